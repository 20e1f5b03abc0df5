"""What the SQLite index survives: power cuts at any write, a full disk; and what it reports."""

from __future__ import annotations

import asyncio
import random
import sqlite3
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from tests.contract.index_suite import check_against, project
from tests.contract.record_maker import APPS, CONVERSATIONS, EPOCH, PARTIES, World
from tests.faults.lossy_vfs import LossyDisk
from trunkline.store.sqlite import SchemaTooNew, SqliteIndex
from trunkline.wire import entries as types


def random_world(rng: random.Random, steps: int) -> World:
    world = World()
    world.run((rng.randrange(60), rng.randrange(256), rng.randrange(256), rng.randrange(256)) for _ in range(steps))
    return world


async def run_until_the_cut(path: Path, world: World, disk: LossyDisk, rng: random.Random) -> int:
    """Project in batches with checkpoints between until the power goes; returns the lsn reported durable."""
    groups = world.finished()
    index = SqliteIndex.open(path, EPOCH, batch_s=600.0, connect=disk.connect)
    disk.writes = 0
    durable = 0
    try:
        position = 0
        while position < len(groups):
            size = rng.randrange(1, 12)
            await project(index, groups[position : position + size])
            position += size
            if rng.random() < 0.4:
                await index.projector.checkpoint()
            durable = index.projector.durable_lsn
    except Exception as error:
        assert disk.dead, error
    else:
        durable = index.projector.durable_lsn
    disk.cut_power(rng)
    await index.close()
    return max(durable, index.projector.durable_lsn)


async def cut_and_recover(seed: int, *, syncs: bool = True) -> tuple[int, int, int]:
    """One power cut; returns what was reported durable, what survived, and bytes lost."""
    rng = random.Random(seed)
    world = random_world(rng, 150)
    disk = LossyDisk(syncs=syncs)
    disk.dies_at = rng.randrange(1, 1500) if rng.random() < 0.8 else None
    with TemporaryDirectory() as directory:
        path = Path(directory) / "index.db"
        await SqliteIndex.open(path, EPOCH).close()
        durable = await run_until_the_cut(path, world, disk, rng)
        index = SqliteIndex.open(path, EPOCH, batch_s=600.0)
        survived = index.projector.projected_lsn
        await project(index, world.finished())
        await check_against(index, world)
        await index.close()
        check = sqlite3.connect(path)
        assert check.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        check.close()
    return durable, survived, disk.lost_bytes


@pytest.mark.chaos
@pytest.mark.timeout(240)
async def test_after_a_power_cut_the_journal_brings_the_same_state() -> None:
    lost_projections = lost_bytes = 0
    for seed in range(30):
        durable, survived, lost = await cut_and_recover(seed)
        assert survived >= durable, f"seed {seed}: {durable} was reported durable, {survived} survived"
        lost_bytes += lost
        lost_projections += survived < 1000 and lost > 0
    assert lost_bytes > 100_000
    assert lost_projections > 5


@pytest.mark.chaos
@pytest.mark.timeout(240)
async def test_the_lossy_disk_bites_when_nothing_is_synced() -> None:
    """The planted fault: without syncs, something reported durable is lost, or the file is damaged."""
    caught = 0
    for seed in range(30):
        try:
            durable, survived, _ = await cut_and_recover(seed, syncs=False)
        except Exception:
            caught += 1
        else:
            caught += survived < durable
    assert caught > 0


async def test_a_full_disk_is_waited_out(tmp_path: Path) -> None:
    disk = LossyDisk()
    index = SqliteIndex.open(tmp_path / "index.db", EPOCH, batch_s=600.0, connect=disk.connect)
    failures: list[BaseException] = []
    index.projector.on_failure(failures.append)
    world = World()
    world.run([(9, 0, 3, 1)])
    await project(index, world.finished())
    world.end_group()
    for number in range(20):
        world.append(APPS[0], CONVERSATIONS[0], PARTIES[0], types.TEXT, {"text": "x" * number}, counts=True)
    disk.full = True
    tried = disk.writes
    lsn, records = world.finished()[-1]
    index.projector.submit(lsn, records)
    index.projector.hurry()
    while disk.writes < tried + 3:
        await asyncio.sleep(0.01)
    assert index.projector.projected_lsn == lsn - 1
    assert index.projector.queued_records == len(records)
    disk.full = False
    await project(index, world.finished())
    assert failures == []
    await index.close()
    index = SqliteIndex.open(tmp_path / "index.db", EPOCH, batch_s=600.0)
    await check_against(index, world)
    await index.close()


async def test_an_unwritable_disk_is_reported(tmp_path: Path) -> None:
    disk = LossyDisk()
    index = SqliteIndex.open(tmp_path / "index.db", EPOCH, batch_s=600.0, connect=disk.connect)
    reported: asyncio.Future[BaseException] = asyncio.get_running_loop().create_future()
    index.projector.on_failure(reported.set_result)
    world = World()
    world.run([(9, 0, 3, 1)])
    disk.dead = True
    index.projector.submit(1, world.groups[0])
    index.projector.hurry()
    assert "IOError" in type(await reported).__name__
    assert index.projector.projected_lsn == 0
    with pytest.raises(RuntimeError):
        await index.prune(0)
    index.projector.submit(2, world.groups[0])
    await index.close()


async def test_an_inconsistent_group_is_reported_and_not_projected(tmp_path: Path) -> None:
    index = SqliteIndex.open(tmp_path / "index.db", EPOCH, batch_s=600.0)
    world = World()
    world.run([(9, 0, 3, 1)])
    world.append(APPS[0], CONVERSATIONS[0], PARTIES[0], types.TEXT, {"text": "hi"}, counts=True)
    world.append(APPS[0], CONVERSATIONS[0], PARTIES[0], types.TEXT, {"text": "hi"}, counts=True)
    with pytest.raises(ValueError, match="does not follow"):
        await project(index, [(1, [world.groups[0][0], world.groups[0][2]])])
    assert await index.reader.conversation(APPS[0], CONVERSATIONS[0]) is None
    await index.close()


async def test_a_newer_schema_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "index.db"
    await SqliteIndex.open(path, EPOCH).close()
    newer = sqlite3.connect(path)
    newer.execute("UPDATE meta SET value = 99 WHERE key = 'schema_version'")
    newer.commit()
    newer.close()
    with pytest.raises(SchemaTooNew, match=r"version 99.*start the newer program"):
        SqliteIndex.open(path, EPOCH)
