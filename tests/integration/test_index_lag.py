"""How far the index may be behind: writes are refused before a start after a crash would take long, and taken again."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from trunkline.base.errors import Code, TrunklineError
from trunkline.domain.log.records import TokensRevoked
from trunkline.server.clock import SystemClock
from trunkline.services.log import engine as engine_module
from trunkline.services.log.engine import Engine
from trunkline.store.journal.file_journal import FileJournal
from trunkline.store.journal.thread import JournalThread
from trunkline.store.sqlite import SqliteIndex

LEAST, MOST = 1_500, 4_000


async def test_writes_wait_for_an_index_that_is_a_second_of_work_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine_module, "LEAST_BEHIND", LEAST)
    monkeypatch.setattr(engine_module, "MOST_BEHIND", MOST)
    loop = asyncio.get_running_loop()
    journal = FileJournal.open(tmp_path / "journal", fsync=False)
    index = SqliteIndex.open(tmp_path / "index.db", 1, batch_s=600.0, journal=journal)
    writer = JournalThread(journal, loop)
    engine = Engine(index.reader, index.projector, writer, SystemClock(), loop, 1)

    async def append(records: int) -> None:
        for number in range(records):
            engine.append_party(TokensRevoked("a_1", f"user/u{number % 100}", number))
        await engine.commits.settled()

    await append(MOST // 2)  # nothing is known yet of how fast the index is: half of the most
    engine.check_room()
    assert 95 <= engine.index_strain_pct <= 100
    await append(1)
    with pytest.raises(TrunklineError) as refused:
        engine.check_room()
    assert refused.value.code is Code.BUSY
    await engine.projected(engine.committed_lsn)
    assert index.projector.records_per_s > 0
    engine.check_room()
    assert engine.lag == 0 and engine.index_strain_pct == 0
    monkeypatch.setattr(engine_module, "MOST_BEHIND", LEAST)  # as if the index were that slow
    await append(LEAST)
    await engine.projected(engine.committed_lsn)
    await append(LEAST + 1)
    states = [engine.index_behind]
    await engine.projected(engine.committed_lsn)
    states.append(engine.index_behind)
    assert states == [True, False]
    writer.stop()
    await index.close()
    journal.close()
