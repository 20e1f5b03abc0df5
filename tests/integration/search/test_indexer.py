"""The indexer by itself, over a real journal and a real index: what is kept for it, and what it does without."""

from __future__ import annotations

import random
import sqlite3
import threading
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from tests.contract.index_suite import project
from tests.contract.record_maker import EPOCH, World, encode
from trunkline.domain.log.records import Entry, EntryAppended, PartyErased, encode_group
from trunkline.store.journal.file_journal import FileJournal
from trunkline.store.sqlite import SqliteIndex
from trunkline.store.sqlite.schema import read_meta
from trunkline.store.sqlite.search.crawl import Crawl
from trunkline.store.sqlite.search.indexer import Indexer

GIB = 1 << 30

Document = tuple[str, int, str, str, str]


def until(condition: Callable[[], bool]) -> None:
    deadline_s = time.monotonic() + 40
    while not condition():
        assert time.monotonic() < deadline_s, "it did not come about in time"
        time.sleep(0.005)


def documents(path: Path) -> list[Document]:
    """(conversation, seq, type, first text, present text) of all that is indexed."""
    select = "SELECT n.text, d.seq, d.type, d.body, d.edited FROM doc d JOIN name n ON n.id = d.cid ORDER BY 1, 2"
    with closing(sqlite3.connect(path)) as db:
        return db.execute(select).fetchall()


async def filled(directory: Path, seed: int) -> FileJournal:
    """A journal of small segments and an index that holds all of it."""
    rng = random.Random(seed)
    world = World()
    world.run((rng.randrange(60), rng.randrange(256), rng.randrange(256), rng.randrange(256)) for _ in range(250))
    journal = FileJournal.open(directory / "journal", segment_size_bytes=4096, preallocate_bytes=0, fsync=False)
    groups = world.finished()
    for _, records in groups:
        journal.append(encode_group(records))
    index = SqliteIndex.open(directory / "index.db", EPOCH)
    await project(index, groups)
    await index.close()
    return journal


def indexed(path: Path, source: Path, journal: FileJournal, keep_bytes: int, trim: bool = False) -> list[Document]:
    indexer = Indexer(path, source, journal, EPOCH, 3600.0, keep_bytes)
    if trim:
        journal.trim(journal.last_lsn)
    indexer.start()
    until(lambda: indexer.lsn == journal.last_lsn and not indexer.building)
    indexer.stop()
    assert indexer.failure == ""
    return documents(path)


@pytest.mark.parametrize("seed", range(5))
async def test_an_index_made_from_the_chunks_is_the_one_made_from_the_journal(tmp_path: Path, seed: int) -> None:
    journal = await filled(tmp_path, seed)
    source = tmp_path / "index.db"
    followed = indexed(tmp_path / "followed.db", source, journal, GIB)
    journal.unpin("search")
    assert followed
    assert journal.first_lsn == 1
    # Nothing is kept for this one, so it comes too late for the journal.
    crawled = indexed(tmp_path / "crawled.db", source, journal, 0, trim=True)
    assert journal.first_lsn > 1
    assert crawled == followed
    journal.close()


async def test_the_journal_is_kept_until_it_is_indexed(tmp_path: Path) -> None:
    journal = await filled(tmp_path, 1)
    indexer = Indexer(tmp_path / "search.db", tmp_path / "index.db", journal, EPOCH, 3600.0, GIB)
    assert journal.trim(journal.last_lsn) == 0
    indexer.start()
    until(lambda: indexer.lsn == journal.last_lsn)
    until(lambda: journal.trim(journal.last_lsn) > 0)
    assert not indexer.building
    indexer.stop()
    journal.close()


async def test_no_more_than_allowed_is_kept_for_it(tmp_path: Path) -> None:
    journal = await filled(tmp_path, 1)
    before = journal.size_bytes
    indexer = Indexer(tmp_path / "search.db", tmp_path / "index.db", journal, EPOCH, 3600.0, before // 2)
    assert journal.trim(journal.last_lsn) > 0
    assert before // 4 < journal.size_bytes <= before // 2
    indexer.start()
    indexer.stop()
    journal.close()


def test_whoever_stops_the_index_closes_what_its_thread_was_reading(tmp_path: Path) -> None:
    """Stopping while chunks were read raised ProgrammingError: their connection belonged to that thread."""
    (tmp_path / "index.db").touch()
    opened: list[Crawl] = []
    thread = threading.Thread(target=lambda: opened.append(Crawl(tmp_path / "index.db", 0)))
    thread.start()
    thread.join()
    opened[0].close()


def test_words_of_an_erased_party_leave_the_file(tmp_path: Path) -> None:
    journal = FileJournal.open(tmp_path / "journal", preallocate_bytes=0, fsync=False)
    rng = random.Random(3)
    for seq in range(1, 601):
        sender = "user/ann" if seq % 3 else "user/bob"
        word = "zyxplanted" if seq % 3 else "evergreen"
        text = f"{word}{rng.randrange(40)} {' '.join(rng.choices('abcdefgh', k=3))}"
        entry = Entry(seq, 1_000 + seq, sender, "text", encode({"text": text}), seq, seq)
        journal.append(encode_group([EntryAppended("a_one", "g.first", entry)]))
    path = tmp_path / "search.db"
    indexer = Indexer(path, tmp_path / "index.db", journal, EPOCH, 0.01, GIB)
    indexer.start()
    until(lambda: indexer.lsn == journal.last_lsn)
    assert len(documents(path)) == 600
    journal.append(encode_group([PartyErased("a_one", "user/ann", 5_000)]))
    until(lambda: indexer.lsn == journal.last_lsn)
    assert [text for *_, text, _ in documents(path) if "zyxplanted" in text] == []

    def purged() -> bool:
        with closing(sqlite3.connect(path)) as db:
            return not read_meta(db, "purge")

    until(purged)
    indexer.stop()
    journal.close()
    left = b"".join(file.read_bytes() for file in tmp_path.glob("search.db*"))
    assert b"zyxplanted" not in left
    assert b"evergreen" in left
