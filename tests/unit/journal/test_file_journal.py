"""Appending, reading, rolling, trimming, and what happens when the disk refuses."""

from __future__ import annotations

import errno
import os
import threading
from pathlib import Path
from typing import Any

import pytest

from tests.faults.faulty_io import FaultyIo, Loss
from tests.faults.journal_world import DIRECTORY
from trunkline.protocol.journal import format as layout
from trunkline.protocol.journal.errors import (
    JournalClosed,
    JournalFailed,
    JournalNotApplied,
    JournalPayloadTooLarge,
    JournalTooShort,
    JournalTrimmed,
)
from trunkline.services.log.journal_port import Journal
from trunkline.store.journal.file_io import FileIo, OsFileIo
from trunkline.store.journal.file_journal import FileJournal
from trunkline.store.journal.lock import DataDirectoryLocked


class Place:
    """Where a journal lies: on the real disk or on the simulated one."""

    def __init__(self, directory: str, io: FileIo) -> None:
        self.directory = directory
        self.io = io

    def open(self, **options: Any) -> FileJournal:
        return FileJournal.open(self.directory, self.io, **options)


@pytest.fixture(params=["real files", "simulated"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Place:
    if request.param == "real files":
        return Place(str(tmp_path / "data" / "journal"), OsFileIo())
    return Place(DIRECTORY, FaultyIo())


@pytest.fixture
def io() -> FaultyIo:
    return FaultyIo()


def small(io: FileIo, **options: Any) -> FileJournal:
    return FileJournal.open(DIRECTORY, io, **{"segment_size_bytes": 1000, "preallocate_bytes": 256, **options})


def fill(journal: Journal, count: int, size: int = 200) -> None:
    for _ in range(count):
        journal.append(bytes([journal.last_lsn % 256]) * size)


# ---------------------------------------------------------------------- the usual


def test_appended_groups_are_numbered_from_one_and_read_back(place: Place) -> None:
    with place.open() as journal:
        assert (journal.first_lsn, journal.last_lsn) == (1, 0)
        assert list(journal.read(0)) == []
        assert [journal.append(payload) for payload in (b"a", b"", b"c" * 100_000)] == [1, 2, 3]
        assert list(journal.read(0)) == [(1, b"a"), (2, b""), (3, b"c" * 100_000)]
        assert list(journal.read(2)) == [(3, b"c" * 100_000)]
        assert list(journal.read(3)) == []


def test_a_reopened_journal_goes_on_counting(place: Place) -> None:
    with place.open() as journal:
        fill(journal, 5)
        store_id = journal.store_id
        assert journal.report.created
    with place.open(store_id=store_id) as journal:
        assert not journal.report.created
        assert not journal.report.notable
        assert journal.append(b"six") == 6
        assert [lsn for lsn, _ in journal.read(0)] == [1, 2, 3, 4, 5, 6]


def test_segments_are_rolled_at_their_size_and_read_as_one_log(place: Place) -> None:
    with place.open(segment_size_bytes=1000, preallocate_bytes=256) as journal:
        fill(journal, 20)
        infos = journal.segments()
        assert len(infos) == 7
        assert infos[0].name == "00000000000000000001.tlj"
        assert all(info.size_bytes <= 1000 for info in infos)
        assert [info.first_lsn for info in infos[1:]] == [info.last_lsn + 1 for info in infos[:-1]]
        assert journal.size_bytes == sum(info.size_bytes for info in infos)
    with place.open(segment_size_bytes=1000) as journal:
        assert journal.segments() == infos
        for after in range(21):
            assert [lsn for lsn, _ in journal.read(after)] == list(range(after + 1, 21))


def test_a_group_larger_than_a_segment_gets_a_segment_of_its_own(place: Place) -> None:
    with place.open(segment_size_bytes=1000, preallocate_bytes=256) as journal:
        for size in (10, 5000, 10):
            journal.append(bytes(size))
        assert [len(payload) for _, payload in journal.read(0)] == [10, 5000, 10]
        assert len(journal.segments()) == 3


def test_a_new_journal_can_start_anywhere(place: Place) -> None:
    with place.open(first_lsn=1000) as journal:
        assert (journal.first_lsn, journal.last_lsn) == (1000, 999)
        assert journal.append(b"a") == 1000
    with place.open() as journal:
        assert list(journal.read(999)) == [(1000, b"a")]


def test_reading_starts_quickly_anywhere_in_a_large_segment(tmp_path: Path) -> None:
    """A reader that follows the end must not read the segment from its start each time."""
    read_bytes = 0

    class CountingIo(OsFileIo):
        @staticmethod
        def pread(fd: int, size: int, offset: int) -> bytes:
            nonlocal read_bytes
            data = os.pread(fd, size, offset)
            read_bytes += len(data)
            return data

    with FileJournal.open(tmp_path / "j", CountingIo(), fsync=False) as journal:
        fill(journal, 1000, size=5000)
        read_bytes = 0
        assert len(list(journal.read(998))) == 2
        assert read_bytes < 150_000
        assert len(list(journal.read(10))) == 990


def test_the_journal_on_files_keeps_the_port(io: FaultyIo) -> None:
    journal: Journal = small(io)
    assert journal.append(b"a") == 1


def test_preallocated_space_is_given_back_at_close_and_survives_a_kill(io: FaultyIo) -> None:
    journal = small(io, preallocate_bytes=500)
    journal.append(b"a")
    name = f"{DIRECTORY}/{journal.segments()[0].name}"
    assert len(io.content(name)) > journal.size_bytes
    io.crash()
    journal = small(io)
    assert not journal.report.notable
    assert journal.append(b"b") == 2
    journal.close()
    assert len(io.content(name)) == journal.size_bytes


def test_segments_behind_the_verified_position_are_not_read_through(io: FaultyIo) -> None:
    with small(io) as journal:
        fill(journal, 20)
    io.operation_names.clear()
    with small(io, verify_after_lsn=18) as journal:
        assert [lsn for lsn, _ in journal.read(0)] == list(range(1, 21))
        assert journal.segments()[0].last_lsn == 3


# ---------------------------------------------------------------------- asking for what is not there


def test_reading_beyond_the_end_says_that_frames_are_missing(io: FaultyIo) -> None:
    journal = small(io)
    fill(journal, 3)
    with pytest.raises(JournalTooShort, match="frame 4 is known elsewhere, but the journal ends at 3"):
        journal.read(4)


def test_reading_what_was_trimmed_says_so(io: FaultyIo) -> None:
    journal = small(io)
    fill(journal, 10)
    journal.trim(7)
    first = journal.first_lsn
    assert first > 1
    with pytest.raises(JournalTrimmed, match=f"starts at {first}"):
        journal.read(first - 2)
    assert [lsn for lsn, _ in journal.read(first - 1)] == list(range(first, 11))


def test_a_reader_overtaken_by_a_trim_is_told(io: FaultyIo) -> None:
    journal = small(io)
    fill(journal, 12)
    reader = journal.read(0)
    assert next(reader)[0] == 1
    journal.trim(100)
    with pytest.raises(JournalTrimmed):
        list(reader)


def test_a_reader_that_finds_its_file_trimmed_away_is_told(io: FaultyIo) -> None:
    """The trim comes between choosing the segment and opening its file."""
    journal = small(io)
    fill(journal, 12)

    def trim(name: str) -> None:
        if name == "open":
            io.before_each(None)
            journal.trim(100)

    io.before_each(trim)
    with pytest.raises(JournalTrimmed):
        list(journal.read(0))


@pytest.mark.parametrize(
    "options", [{"store_id": b"short"}, {"first_lsn": 0}, {"segment_size_bytes": 10}, {"preallocate_bytes": -1}]
)
def test_impossible_options_are_refused(io: FaultyIo, options: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="must"):
        FileJournal.open(DIRECTORY, io, **options)
    assert io.operations == 0


def test_a_closed_journal_says_so(io: FaultyIo) -> None:
    journal = small(io)
    journal.append(b"a")
    journal.close()
    journal.close()
    for use in (lambda: journal.append(b"b"), lambda: journal.read(0), lambda: journal.trim(1)):
        with pytest.raises(JournalClosed):
            use()
    assert io.open_descriptors == 0


def test_something_else_than_bytes_is_refused_and_changes_nothing(io: FaultyIo) -> None:
    journal = small(io)
    with pytest.raises(TypeError):
        journal.append(memoryview(b"abc"))  # type: ignore[arg-type]
    assert journal.append(b"abc") == 1


# ---------------------------------------------------------------------- pins and trimming


def test_trim_removes_whole_segments_strictly_below(place: Place) -> None:
    with place.open(segment_size_bytes=1000, preallocate_bytes=256) as journal:
        fill(journal, 10)  # three frames a segment: 1-3, 4-6, 7-9, 10
        assert [journal.trim(lsn) for lsn in (1, 3, 4, 4, 9, 100, 200)] == [0, 0, 1, 0, 1, 1, 0]
        assert [lsn for lsn, _ in journal.read(9)] == [10]
        assert journal.first_lsn == 10
        assert journal.append(b"eleven") == 11
    with place.open() as journal:
        assert [lsn for lsn, _ in journal.read(9)] == [10, 11]


def test_trim_respects_every_pin(io: FaultyIo) -> None:
    journal = small(io)
    fill(journal, 13)
    journal.pin("backup", 5)
    journal.pin("outbox", 8)
    assert journal.trim(13) == 1
    assert journal.first_lsn == 4
    journal.unpin("backup")
    assert journal.trim(13) == 1
    journal.pin("outbox", 12)
    journal.unpin("nobody")
    assert journal.trim(13) == 1
    journal.unpin("outbox")
    assert journal.trim(13) == 1
    assert journal.first_lsn == 13


def test_a_pin_on_what_is_gone_is_refused(io: FaultyIo) -> None:
    journal = small(io)
    fill(journal, 10)
    journal.trim(7)
    with pytest.raises(JournalTrimmed):
        journal.pin("backup", 3)
    assert journal.trim(100) == 1


# ---------------------------------------------------------------------- the disk refuses


def test_a_full_disk_gives_a_definite_answer_and_the_journal_goes_on_when_space_returns(io: FaultyIo) -> None:
    io.capacity_bytes = 20_000
    journal = small(io, segment_size_bytes=100_000, preallocate_bytes=4096)
    acked = []
    with pytest.raises(JournalNotApplied, match="No space left") as caught:
        while True:
            acked.append(journal.append(os.urandom(500)))
    assert caught.value.errno == errno.ENOSPC
    assert len(acked) > 15
    for _ in range(3):
        with pytest.raises(JournalNotApplied):
            journal.append(os.urandom(2000))
    assert [lsn for lsn, _ in journal.read(0)] == acked
    io.capacity_bytes += 10_000
    assert journal.append(b"space again") == acked[-1] + 1
    io.lose_power(Loss.EVERYTHING)
    journal = small(io)
    assert [lsn for lsn, _ in journal.read(0)] == [*acked, acked[-1] + 1]
    assert dict(journal.read(acked[-1])) == {acked[-1] + 1: b"space again"}


def test_every_last_free_byte_is_tried_before_an_append_is_refused(io: FaultyIo) -> None:
    """That a large reservation fails says nothing about a small frame."""
    journal = small(io, segment_size_bytes=100_000, preallocate_bytes=4096)
    free = io.free_bytes()
    assert free is None
    io.capacity_bytes = 0
    io.capacity_bytes = -(io.free_bytes() or 0) + 48 + 10
    assert journal.append(bytes(10)) == 1
    with pytest.raises(JournalNotApplied):
        journal.append(b"")


def test_a_full_disk_while_rolling_changes_nothing(io: FaultyIo) -> None:
    journal = small(io)
    fill(journal, 3)
    for after_bytes in (0, 50):
        io.fail_write(errno.ENOSPC, after_bytes=after_bytes)
        with pytest.raises(JournalNotApplied, match="beginning a segment"):
            journal.append(bytes(300))
        assert len(journal.segments()) == 1
        assert not [name for name in io.listdir(DIRECTORY) if name.endswith(".new")]
    assert journal.append(bytes(300)) == 4
    assert len(journal.segments()) == 2


@pytest.mark.parametrize("error", [errno.ENOSPC, errno.EFBIG, errno.EDQUOT, errno.EIO])
@pytest.mark.parametrize("after_bytes", [0, 1, 48, 100])
def test_a_write_error_is_cut_off_again(io: FaultyIo, error: int, after_bytes: int) -> None:
    journal = small(io)
    journal.append(b"before")
    size_bytes = journal.size_bytes
    io.fail_write(error, after_bytes=after_bytes)
    with pytest.raises(JournalNotApplied) as caught:
        journal.append(bytes(200))
    assert caught.value.errno == error
    assert journal.size_bytes == size_bytes
    content = io.content(f"{DIRECTORY}/{journal.segments()[0].name}")
    assert len(content) == size_bytes
    io.operation_names.clear()
    assert journal.append(b"after") == 2
    assert io.operation_names[0] == "fallocate", "space is reserved anew"
    assert list(journal.read(0)) == [(1, b"before"), (2, b"after")]


def test_a_short_write_is_completed(io: FaultyIo) -> None:
    journal = small(io)
    for size in (1, 47, 48, 100):
        io.shorten_write(size)
        journal.append(bytes([size]) * 200)
    io.lose_power(Loss.EVERYTHING)
    assert [payload[0] for _, payload in small(io).read(0)] == [1, 47, 48, 100]


def test_a_write_that_makes_no_progress_is_not_applied(io: FaultyIo) -> None:
    journal = small(io)
    io.shorten_write(10)
    io.shorten_write(0)
    with pytest.raises(JournalNotApplied, match="gives no reason"):
        journal.append(b"a")
    assert journal.append(b"a") == 1


@pytest.mark.parametrize("cache_shows_lost_data", [True, False])
def test_a_failed_fsync_stops_the_journal_for_good(io: FaultyIo, cache_shows_lost_data: bool) -> None:
    journal = small(io)
    journal.append(b"durable")
    io.fail_fsync(cache_shows_lost_data=cache_shows_lost_data)
    with pytest.raises(JournalFailed, match="fsync failed"):
        journal.append(b"unknown")
    # The next fsync would succeed, and mean nothing.
    for _ in range(3):
        with pytest.raises(JournalFailed, match="must be opened again"):
            journal.append(b"refused")
    assert journal.failure is not None
    assert journal.last_lsn == 1
    assert list(journal.read(0)) == [(1, b"durable")], "reads keep working, and show nothing unknown"
    journal.close()
    with small(io) as journal:
        found = dict(journal.read(0))
        assert found == ({1: b"durable", 2: b"unknown"} if cache_shows_lost_data else {1: b"durable"})
        journal.append(b"goes on")


def test_a_failed_write_that_cannot_be_cut_off_stops_the_journal(io: FaultyIo) -> None:
    for fail in (lambda: io.fail_truncate(), lambda: io.fail_fsync()):
        journal = small(io)
        last = journal.last_lsn
        io.fail_write(errno.ENOSPC, after_bytes=100)
        fail()
        with pytest.raises(JournalFailed, match="cutting off a failed write"):
            journal.append(b"x" * 200)
        with pytest.raises(JournalFailed):
            journal.append(b"a")
        journal.close()
        with small(io) as journal:
            assert journal.last_lsn == last
            assert journal.append(b"b") == last + 1


@pytest.mark.parametrize(("after", "doing"), [(0, "completing a segment"), (1, "beginning a segment")])
def test_a_failed_fsync_while_rolling_stops_the_journal(io: FaultyIo, after: int, doing: str) -> None:
    journal = small(io)
    fill(journal, 3)
    io.fail_fsync(after=after)
    with pytest.raises(JournalFailed, match=doing):
        journal.append(bytes(300))
    with pytest.raises(JournalFailed):
        journal.append(b"a")
    journal.close()
    with small(io) as journal:
        assert journal.append(bytes(300)) == 4


def test_an_oversize_group_changes_nothing(io: FaultyIo, monkeypatch: pytest.MonkeyPatch) -> None:
    journal = small(io)
    monkeypatch.setattr(layout, "MAX_PAYLOAD_BYTES", 100)
    with pytest.raises(JournalPayloadTooLarge):
        journal.append(bytes(101))
    assert journal.append(bytes(100)) == 1


def test_a_mark_that_cannot_be_written_costs_no_append(io: FaultyIo, caplog: pytest.LogCaptureFixture) -> None:
    journal = small(io)
    journal.append(b"a")

    writes = 0

    def fail_second(name: str) -> None:
        nonlocal writes
        writes += name == "pwrite"
        if name == "pwrite" and writes == 2:
            io.fail_write(errno.EIO)

    io.before_each(fail_second)
    assert journal.append(b"b") == 2
    io.before_each(None)
    assert journal.append(b"c") == 3
    assert [record.getMessage()[:37] for record in caplog.records] == ["the durable mark cannot be written an"]
    io.lose_power(Loss.EVERYTHING)
    assert [payload for _, payload in small(io).read(0)] == [b"a", b"b", b"c"]


def test_an_interrupted_append_leaves_the_journal_refusing(io: FaultyIo) -> None:
    """Whatever broke out of it, nobody knows how far it came."""
    journal = small(io)

    def interrupt(name: str) -> None:
        raise KeyboardInterrupt

    io.before_each(interrupt)
    with pytest.raises(KeyboardInterrupt):
        journal.append(b"a")
    io.before_each(None)
    with pytest.raises(JournalFailed, match="interrupted"):
        journal.append(b"b")


def test_a_failed_open_leaves_no_descriptor_and_no_lock(io: FaultyIo) -> None:
    with small(io) as journal:
        fill(journal, 10)
    io.flip_bit(f"{DIRECTORY}/00000000000000000004.tlj", 8 * 300)
    for _ in range(2):
        with pytest.raises(Exception, match="damaged"):
            small(io)
        assert io.open_descriptors == 0


def test_a_real_file_size_limit_is_a_definite_refusal(tmp_path: Path) -> None:
    """EFBIG from the operating system itself."""
    resource = pytest.importorskip("resource")
    old = resource.getrlimit(resource.RLIMIT_FSIZE)
    with FileJournal.open(tmp_path / "j", preallocate_bytes=0) as journal:
        journal.append(b"before")
        resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, old[1]))
        try:
            with pytest.raises(JournalNotApplied) as caught:
                journal.append(bytes(30_000))
            assert caught.value.errno == errno.EFBIG
            assert journal.append(b"small") == 2
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, old)
        assert journal.append(bytes(30_000)) == 3
        assert [len(payload) for _, payload in journal.read(0)] == [6, 5, 30_000]


# ---------------------------------------------------------------------- threads


def test_readers_see_a_growing_prefix_while_another_thread_appends(tmp_path: Path) -> None:
    total = 1500
    payloads = [b"%d:" % lsn + bytes(lsn % 700) for lsn in range(1, total + 1)]
    failures: list[str] = []
    passes = [0, 0, 0]
    done = threading.Event()

    with FileJournal.open(tmp_path / "j", fsync=False, segment_size_bytes=100_000) as journal:

        def follow(reader: int) -> None:
            seen = 0
            try:
                while seen < total:
                    finished = done.is_set()
                    for lsn, payload in journal.read(seen):
                        assert lsn == seen + 1
                        assert payload == payloads[lsn - 1]
                        seen = lsn
                    passes[reader] += 1
                    assert not finished or seen == total
            except BaseException as error:
                failures.append(repr(error))

        threads = [threading.Thread(target=follow, args=(reader,)) for reader in range(3)]
        for thread in threads:
            thread.start()
        try:
            for payload in payloads:
                journal.append(payload)
        finally:
            done.set()
        for thread in threads:
            thread.join(15)
        assert not failures
        assert not any(thread.is_alive() for thread in threads)
        assert len(journal.segments()) > 5
    assert min(passes) > 1, "a reader never ran beside the writer"


def test_a_reader_never_sees_what_is_written_but_not_yet_durable(io: FaultyIo) -> None:
    """Looks from within the append, before each of its file operations."""
    journal = small(io)
    journal.append(b"durable")
    views = []

    def look(name: str) -> None:
        io.before_each(None)
        views.append((name, list(journal.read(0)), journal.last_lsn))
        io.before_each(look)

    io.before_each(look)
    journal.append(b"in flight")
    io.before_each(None)
    assert [name for name, _, _ in views][:2] == ["fallocate", "pwrite"] or views[0][0] == "pwrite"
    before_sync = [view for view in views if view[0] == "fdatasync"]
    assert before_sync
    durable_at = views.index(before_sync[0])
    for _, frames, last_lsn in views[: durable_at + 1]:
        assert frames == [(1, b"durable")]
        assert last_lsn == 1
    assert list(journal.read(1)) == [(2, b"in flight")]


def test_trimming_beside_a_pinned_reader_and_a_writer(tmp_path: Path) -> None:
    total = 2000
    failures: list[str] = []
    with FileJournal.open(tmp_path / "j", fsync=False, segment_size_bytes=5_000) as journal:
        journal.pin("reader", 1)

        def consume() -> None:
            seen = 0
            try:
                while seen < total:
                    for lsn, payload in journal.read(seen):
                        assert payload == b"%d" % lsn
                        seen = lsn
                    journal.pin("reader", seen + 1)
                    journal.trim(seen + 1)
            except BaseException as error:
                failures.append(repr(error))

        thread = threading.Thread(target=consume)
        thread.start()
        for lsn in range(1, total + 1):
            journal.append(b"%d" % lsn)
        thread.join(15)
        assert not thread.is_alive()
        assert not failures
        assert len(journal.segments()) == 1


# ---------------------------------------------------------------------- the lock


def test_a_second_journal_in_the_same_directory_is_refused(place: Place) -> None:
    with place.open() as journal:
        journal.append(b"a")
        with pytest.raises(DataDirectoryLocked, match=f"in use by process {os.getpid()}"):
            place.open()
        assert journal.append(b"b") == 2
    place.open().close()
