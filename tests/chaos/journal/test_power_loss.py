"""R4 and R3 for the journal: power loss, and a crash at every fault point and every file operation."""

from __future__ import annotations

import pytest

from tests.faults.faulty_io import FaultyIo, Loss, SimulatedCrash
from tests.faults.journal_world import DIRECTORY, JournalWorld
from trunkline.base import faultpoints
from trunkline.base.faultpoints import FaultPoint
from trunkline.protocol.journal.errors import JournalError
from trunkline.store.journal.file_journal import FileJournal

SEEDS = range(200)


def _live_and_lose_power(world: JournalWorld, rounds: int = 20) -> None:
    """Append, lose power at a random file operation, open again, check; several times."""
    for _ in range(rounds):
        world.io.crash_at_operation(world.io.operations + world.random.randint(1, 120))
        try:
            world.open()
            world.check()
            world.run_until_crash(40)
        except SimulatedCrash:
            pass
        world.io.lose_power(world.random.choice(list(Loss)))
    world.open()
    world.check()


@pytest.mark.chaos
def test_power_loss_at_random_moments_loses_and_invents_nothing() -> None:
    acked = torn = 0
    for seed in SEEDS:
        world = JournalWorld(seed)
        try:
            _live_and_lose_power(world)
        except (AssertionError, JournalError) as error:
            raise AssertionError(f"seed {seed}: {error}") from error
        acked += len(world.acked)
        torn += world.torn_starts
    # The runs must have been worth something.
    assert acked > 30_000
    assert torn > 100


@pytest.mark.chaos
def test_the_power_loss_test_finds_the_loss_when_fsync_is_off() -> None:
    losing = 0
    for seed in SEEDS:
        try:
            _live_and_lose_power(JournalWorld(seed, fsync=False))
        except (AssertionError, JournalError):
            losing += 1
    assert losing > len(SEEDS) // 2, f"only {losing} of {len(SEEDS)} seeds noticed that nothing was fsynced"


@pytest.mark.chaos
@pytest.mark.parametrize("loss", list(Loss))
def test_power_loss_at_every_single_file_operation(loss: Loss) -> None:
    """The same short life again and again, ended one file operation later each time."""
    number = 0
    while True:
        number += 1
        world = JournalWorld(number, segment_size_bytes=1024, preallocate_bytes=512)
        world.io.crash_at_operation(number)
        try:
            world.open()
            for size in (200, 0, 400, 600, 100, 900):
                world.append(world.random.randbytes(size))
            world.trim(5)
            world.make_spare()
            world.append(b"begins the prepared segment")
            world.make_spare()
            world.append(b"goes on in it")
            world.append(b"y" * 1000)
            world.append(b"last")
            world.make_spare()
            assert world.journal is not None
            world.journal.close()
            break
        except SimulatedCrash:
            pass
        world.io.lose_power(loss)
        world.open()
        world.check()
        world.append(b"life goes on")
        world.io.lose_power(Loss.EVERYTHING)
        world.open()
        world.check()
    assert number > 60


@pytest.mark.chaos
@pytest.mark.parametrize("power", [False, True], ids=["killed", "power lost"])
def test_crash_at_every_file_operation_of_a_recovery(power: bool) -> None:
    """Recovery itself is interrupted, at each of its operations, and starts again."""
    number = 0
    while True:
        number += 1
        world = JournalWorld(number, preallocate_bytes=0)
        world.open()
        for _ in range(5):
            world.append()
        world.io.crash_at_operation(world.io.operations + 2)  # the write is done, its fsync is not
        with pytest.raises(SimulatedCrash):
            world.append(b"x" * 1200)
        world.io.lose_power(Loss.TORN, torn_at=900)
        world.io.crash_at_operation(world.io.operations + number)
        try:
            world.open()
            break
        except SimulatedCrash:
            pass
        if power:
            world.io.lose_power(Loss.RANDOM_SECTORS)
        else:
            world.io.crash()
        world.open()
        world.check()
    world.io.crash_at_operation(None)
    world.check()
    assert number > 5


# ---------------------------------------------------------------------- fault points

_JOURNAL_POINTS = [point for point in FaultPoint if point.startswith("journal.")]


@pytest.mark.chaos
@pytest.mark.parametrize("power", [False, True], ids=["killed", "power lost"])
@pytest.mark.parametrize("point", _JOURNAL_POINTS)
def test_crash_at_every_fault_point(point: FaultPoint, power: bool) -> None:
    """Each enumerated point is reached (or this fails), at its first to third time, and survived."""
    for occurrence in (1, 2, 3):
        world = JournalWorld(occurrence, segment_size_bytes=1500, preallocate_bytes=400)
        reached = _crash_at_point(world, point, occurrence)
        assert reached or occurrence > 1, f"{point} was never reached: no test covers it any more"
        if power:
            world.io.lose_power(Loss.RANDOM_SECTORS)
        else:
            world.io.crash()
        world.open()
        world.check()
        world.append(b"life goes on")
        world.io.lose_power(Loss.EVERYTHING)
        world.open()
        world.check()


def _crash_at_point(world: JournalWorld, point: FaultPoint, occurrence: int) -> bool:
    seen = 0

    def crash(here: FaultPoint) -> None:
        nonlocal seen
        seen += here is point
        if seen == occurrence:
            raise SimulatedCrash(here)

    faultpoints.install(crash)
    try:
        world.open()
        for step in range(24):
            world.append()
            if step % 8 == 7:
                world.trim(max(world.acked))
                world.make_spare()
            if step in (3, 5, 9):
                _append_to_full_disk(world)
        _append_torn(world)
        world.open()
        world.check()
    except SimulatedCrash:
        return True
    finally:
        faultpoints.uninstall()
    return False


def _append_to_full_disk(world: JournalWorld) -> None:
    """Passes the points around restoring the file."""
    assert world.journal is not None
    world.io.fail_write(28, after_bytes=10)
    world.in_flight = b"y" * 100
    try:
        world.journal.append(world.in_flight)
    except JournalError:
        world.in_flight = None
    else:
        raise AssertionError("a full disk took an append")


def _append_torn(world: JournalWorld) -> None:
    """Leaves what recovery has to cut off: passes the points in it."""
    world.append(b"z" * 300)
    assert world.journal is not None
    world.in_flight = b"w" * 300
    io = world.io
    active = world.journal.segments()[-1]
    io.lose_power(Loss.NOTHING)
    # Not a whole frame: what a crash within the write leaves.
    content = io.content(f"{DIRECTORY}/{active.name}")
    half_written = content[: active.size_bytes] + b"\xf5TLF" + b"\x01" * 100
    io.replace(f"{DIRECTORY}/{active.name}", half_written + content[len(half_written) :])
    # A mark that is older than the last frame, as after a power loss.
    io.replace(f"{DIRECTORY}/DURABLE", bytes(len(io.content(f"{DIRECTORY}/DURABLE"))))


def test_an_unsynced_frame_seen_after_a_failed_fsync_is_made_durable_before_it_is_shown() -> None:
    """The system reports an fsync error once, and shows the lost bytes as if they were on disk.

    Opening again finds a whole frame. Had it only fsynced (successfully: nothing is dirty), a reader
    would have seen a frame that the next power loss takes away.
    """
    world = JournalWorld(1)
    world.open()
    world.append(b"first")
    world.io.fail_fsync()
    world.in_flight = b"second"
    assert world.journal is not None
    with pytest.raises(JournalError):
        world.journal.append(b"second")
    world.journal.close()
    world.open()
    assert world.journal.last_lsn == 2
    world.check()
    world.io.lose_power(Loss.EVERYTHING)
    world.open()
    world.check()


def test_faulty_io_loses_what_was_not_synced_and_keeps_what_was() -> None:
    """The instrument itself is tested, else a green run means nothing."""
    io = FaultyIo(3)
    io.make_directory("/d")
    fd = io.open("/d/a", create=True)
    io.pwrite(fd, b"kept", 0)
    io.fdatasync(fd)
    io.fsync_dir("/d")
    io.pwrite(fd, b"lost", 4)
    unnamed = io.open("/d/b", create=True)
    io.pwrite(unnamed, b"content is synced, the name is not", 0)
    io.fdatasync(unnamed)
    io.lose_power(Loss.EVERYTHING)
    assert io.listdir("/d") == ["a"]
    assert io.content("/d/a") == b"kept"
    with pytest.raises(OSError, match="Bad file descriptor"):
        io.pread(fd, 1, 0)


def test_faulty_io_keeps_a_random_subset_of_sectors() -> None:
    outcomes = set()
    for seed in range(300):
        io = FaultyIo(seed)
        io.make_directory("/d")
        fd = io.open("/d/a", create=True)
        io.pwrite(fd, bytes(2048), 0)
        io.fdatasync(fd)
        io.fsync_dir("/d")
        io.pwrite(fd, b"\1" * 2048, 0)
        io.lose_power(Loss.RANDOM_SECTORS)
        content = io.content("/d/a")
        sectors = [content[start : start + 512] for start in range(0, 2048, 512)]
        assert all(len(set(sector)) == 1 for sector in sectors), "a sector was torn"
        outcomes.add(tuple(sector[0] for sector in sectors))
    assert len(outcomes) == 16


def test_opening_twice_is_refused_in_the_simulated_file_system_too() -> None:
    world = JournalWorld(0)
    world.open()
    with pytest.raises(Exception, match="in use"):
        FileJournal.open(DIRECTORY, world.io)
