"""The projector's process: it writes what a thread would, over rolled segments and its own death; it never stays."""

from __future__ import annotations

import os
import random
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import msgspec
import psutil
import pytest

from tests.contract.index_suite import check_against, project
from tests.contract.record_maker import EPOCH, World
from tests.faults.faulty_io import Loss
from tests.faults.power_cut import PowerCut, compiler
from tests.integration.test_sqlite_index_faults import random_world
from trunkline.domain.log.records import encode_group
from trunkline.store.journal.file_journal import FileJournal
from trunkline.store.sqlite import SqliteIndex
from trunkline.store.sqlite.appliers import PROGRAM, SIZE_BYTES, Answer, Ask
from trunkline.store.sqlite.connection import connect_sqlite3, prepare
from trunkline.store.sqlite.schema import migrate, read_meta

SEGMENT_BYTES = 20_000


def committed(directory: Path, world: World, from_lsn: int = 1) -> FileJournal:
    """A journal that holds what the world did, in several segments."""
    journal = FileJournal.open(directory / "journal", segment_size_bytes=SEGMENT_BYTES, preallocate_bytes=8_192)
    for lsn, records in world.finished():
        if lsn >= from_lsn:
            assert journal.append(encode_group(records)) == lsn
    return journal


def child_of(pid: int) -> psutil.Process:
    """The projector's process of a process."""
    children = [c for c in psutil.Process(pid).children() if any("sqlite.projecting" in word for word in c.cmdline())]
    assert len(children) == 1
    return children[0]


def rows(path: Path) -> dict[str, list[tuple[object, ...]]]:
    """Every row of every table."""
    db = sqlite3.connect(path)
    names = [name for (name,) in db.execute("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name")]
    found = {name: sorted(db.execute(f"SELECT * FROM {name}").fetchall(), key=repr) for name in names}
    db.close()
    return found


async def test_the_process_writes_what_the_thread_writes(tmp_path: Path) -> None:
    world = random_world(random.Random(1), 400)
    journal = committed(tmp_path, world)
    assert len(journal.segments()) > 2
    here = SqliteIndex.open(tmp_path / "thread.db", EPOCH, batch_s=600.0)
    there = SqliteIndex.open(tmp_path / "process.db", EPOCH, batch_s=600.0, journal=journal)
    groups = world.finished()
    position = 0
    while position < len(groups):
        size = 1 + position % 7
        await project(here, groups[position : position + size])
        await project(there, groups[position : position + size])
        position += size
    await check_against(there, world)
    assert await there.projector.checkpoint() == groups[-1][0]
    await here.close()
    await there.close()
    journal.close()
    assert rows(tmp_path / "process.db") == rows(tmp_path / "thread.db")


async def test_a_killed_process_is_started_again_and_goes_on(tmp_path: Path) -> None:
    world = random_world(random.Random(2), 300)
    journal = committed(tmp_path, world)
    index = SqliteIndex.open(tmp_path / "index.db", EPOCH, batch_s=600.0, journal=journal)
    failures: list[BaseException] = []
    index.projector.on_failure(failures.append)
    groups = world.finished()
    half = len(groups) // 2
    await project(index, groups[:half])
    for round, at in enumerate(range(half, len(groups), 10)):
        if round % 2 == 0:
            child_of(os.getpid()).kill()
        await project(index, groups[at : at + 10])
    await check_against(index, world)
    assert failures == []
    await index.close()
    journal.close()


async def test_a_damaged_journal_stops_the_projector_and_is_told(tmp_path: Path) -> None:
    world = random_world(random.Random(3), 100)
    journal = committed(tmp_path, world)
    first = tmp_path / "journal" / journal.segments()[0].name
    data = bytearray(first.read_bytes())
    data[len(data) // 3] ^= 0xFF
    first.write_bytes(data)
    index = SqliteIndex.open(tmp_path / "index.db", EPOCH, batch_s=600.0, journal=journal)
    try:
        await project(index, world.finished())
    except Exception as error:
        assert "journal" in str(error)
    else:
        raise AssertionError("damage was projected")
    assert index.projector.projected_lsn < len(world.finished())
    await index.close()
    journal.close()


def test_the_process_dies_with_a_killed_server(tmp_path: Path) -> None:
    code = (
        "import asyncio, sys, pathlib\n"
        "from trunkline.store.journal.file_journal import FileJournal\n"
        "from trunkline.store.sqlite import SqliteIndex\n"
        "async def main():\n"
        "    path = pathlib.Path(sys.argv[1])\n"
        "    journal = FileJournal.open(path / 'journal')\n"
        "    index = SqliteIndex.open(path / 'index.db', 1, journal=journal)\n"
        "    await index.projector.checkpoint()\n"
        "    print('ready', flush=True)\n"
        "    await asyncio.sleep(3600)\n"
        "asyncio.run(main())\n"
    )
    server = subprocess.Popen([sys.executable, "-c", code, str(tmp_path)], stdout=subprocess.PIPE)
    assert server.stdout is not None
    assert server.stdout.readline() == b"ready\n"
    child = child_of(server.pid)
    server.send_signal(signal.SIGKILL)
    server.wait()
    server.stdout.close()
    deadline = time.monotonic() + 30
    while child.is_running() and child.status() != psutil.STATUS_ZOMBIE:
        assert time.monotonic() < deadline, "the process outlived its server"
        time.sleep(0.01)


async def test_signals_meant_for_the_server_do_not_end_the_process(tmp_path: Path) -> None:
    world = random_world(random.Random(4), 60)
    journal = committed(tmp_path, world)
    index = SqliteIndex.open(tmp_path / "index.db", EPOCH, batch_s=600.0, journal=journal)
    groups = world.finished()
    await project(index, groups[:5])
    child = child_of(os.getpid())
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        child.send_signal(number)
    await project(index, groups[5:])
    assert child_of(os.getpid()).pid == child.pid
    assert os.getsid(child.pid) == os.getsid(0), "a session of its own would get half of the core"
    await index.close()
    assert not child.is_running()
    journal.close()


class Started:
    """The process alone, over a disk that may lose power."""

    def __init__(self, store: Path, environment: dict[str, str]) -> None:
        db = connect_sqlite3(store / "index.db")
        prepare(db, writer=True)
        migrate(db)
        db.close()
        self._command = [
            *(sys.executable, "-P", "-c", PROGRAM),
            *(str(store / "index.db"), str(store / "journal"), str(EPOCH), "0"),
        ]
        self._environment = environment

    def __enter__(self) -> Started:
        pipe = subprocess.PIPE
        self._process = subprocess.Popen(
            self._command, stdin=pipe, stdout=pipe, env={**os.environ, **self._environment}
        )
        return self

    def __exit__(self, *_: object) -> None:
        assert self._process.stdin is not None and self._process.stdout is not None
        self._process.stdin.close()
        self._process.wait()
        self._process.stdout.close()

    def ask(self, ask: Ask) -> Answer:
        assert self._process.stdin is not None and self._process.stdout is not None
        message = msgspec.msgpack.encode(ask)
        self._process.stdin.write(len(message).to_bytes(SIZE_BYTES, "big") + message)
        self._process.stdin.flush()
        size = int.from_bytes(self._process.stdout.read(SIZE_BYTES), "big")
        answer = msgspec.msgpack.decode(self._process.stdout.read(size), type=Answer)
        assert not answer.error, answer.error
        return answer


@pytest.mark.skipif(compiler() is None, reason="needs a C compiler")
def test_a_power_cut_at_any_moment_of_a_checkpoint_leaves_a_sound_index(tmp_path: Path) -> None:
    """The process syncs the log and the file itself, in the order in which SQLite would have."""
    world = random_world(random.Random(5), 160)
    store = tmp_path / "store"
    store.mkdir()
    journal = committed(store, world)
    segments = tuple((segment.name, segment.first_lsn, segment.size_bytes) for segment in journal.segments())
    cut = PowerCut(tmp_path / "cut", store)
    started = Started(store, cut.environment)
    cut.remember()
    groups = world.finished()
    durable, written_changes = [], []
    with started as process:
        for at in range(0, len(groups), 4):
            lsn = groups[min(at + 3, len(groups) - 1)][0]
            process.ask(Ask(lsn, segments))
            assert process.ask(Ask(0)).moved
            durable.append(lsn)
            written_changes.append(cut.count())
    journal.close()
    found: set[int] = set()
    rng = random.Random(6)
    for number in range(60):
        changes = rng.randrange(cut.count() + 1)
        cut.leave(rng, rng.choice(list(Loss)), tmp_path / f"after{number}", changes)
        db = sqlite3.connect(tmp_path / f"after{number}" / "index.db")
        assert db.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        projected = read_meta(db, "projected_lsn")
        db.close()
        said = [lsn for lsn, after in zip(durable, written_changes, strict=True) if after <= changes]
        assert projected >= max(said, default=0), "what a checkpoint made durable is gone"
        found.add(projected)
    assert len(found) > 5, "the cuts came at different moments"
