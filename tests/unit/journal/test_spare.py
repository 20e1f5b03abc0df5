"""The prepared segment: when it is wanted, begun, and gone again; nothing depends on it."""

from __future__ import annotations

import errno
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.faults.faulty_io import FaultyIo, Loss
from tests.faults.journal_world import DIRECTORY
from trunkline.protocol.journal.errors import JournalNotApplied
from trunkline.store.journal import file_journal, spare
from trunkline.store.journal.file_io import OsFileIo
from trunkline.store.journal.file_journal import FileJournal
from trunkline.store.journal.spare import SPARE_FILE_NAME, SpareMaker

SEGMENT_BYTES = 4000


def opened(io: FaultyIo) -> FileJournal:
    return FileJournal.open(DIRECTORY, io, segment_size_bytes=SEGMENT_BYTES, preallocate_bytes=512)


def test_the_next_append_begins_the_prepared_segment_and_later_ones_fill_it() -> None:
    io = FaultyIo()
    journal = opened(io)
    journal.append(b"before")
    assert journal.make_spare()
    begun_at = io.operations
    journal.append(b"first in it")
    assert [segment.first_lsn for segment in journal.segments()] == [1, 2]
    assert SPARE_FILE_NAME not in io.listdir(DIRECTORY)
    assert len(io.content(f"{DIRECTORY}/{journal.segments()[-1].name}")) == SEGMENT_BYTES
    assert "fallocate" not in io.operation_names[begun_at:]
    # Another one waits until this one is full.
    assert journal.make_spare()
    journal.append(b"second in it")
    assert len(journal.segments()) == 2
    journal.append(bytes(SEGMENT_BYTES - 200))
    assert len(journal.segments()) == 3
    assert [payload for _, payload in journal.read(0)][:3] == [b"before", b"first in it", b"second in it"]


def test_a_spare_is_wanted_only_by_a_busy_journal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(file_journal, "SPARE_AFTER_BYTES", 1000)
    journal = opened(FaultyIo())
    wanted = []
    for step in (500, 500, "make", 100, SEGMENT_BYTES // 2):
        if isinstance(step, int):
            journal.append(bytes(step))
        else:
            journal.make_spare()
        wanted.append(journal.wants_spare)
    # Not before it is busy, not twice, and not while the prepared segment is far from full.
    assert wanted == [False, True, False, False, True]


def test_an_empty_segment_is_not_left_for_a_prepared_one() -> None:
    journal = opened(FaultyIo())
    journal.make_spare()
    journal.append(b"first")
    assert len(journal.segments()) == 1
    journal.append(b"second")
    assert len(journal.segments()) == 2


@pytest.mark.parametrize("loss", list(Loss))
def test_a_spare_does_not_outlive_its_journal(loss: Loss) -> None:
    io = FaultyIo(7)
    journal = opened(io)
    journal.append(b"kept")
    journal.make_spare()
    journal.close()
    assert SPARE_FILE_NAME not in io.listdir(DIRECTORY)
    journal = opened(io)
    journal.make_spare()
    io.fsync_dir(DIRECTORY)
    io.lose_power(loss)
    journal = opened(io)
    assert SPARE_FILE_NAME not in io.listdir(DIRECTORY)
    assert journal.report.removed_unfinished == ()
    assert list(journal.read(0)) == [(1, b"kept")]
    journal.close()
    assert io.open_descriptors == 0


def test_a_disk_that_refuses_costs_no_append_and_leaves_nothing() -> None:
    io = FaultyIo()
    journal = opened(io)
    journal.append(b"first")
    io.capacity_bytes = SEGMENT_BYTES
    with pytest.raises(OSError, match="space"):
        journal.make_spare()
    io.capacity_bytes = None
    io.fail_write(errno.EIO)
    with pytest.raises(OSError, match="Input"):
        journal.make_spare()
    assert SPARE_FILE_NAME not in io.listdir(DIRECTORY)
    journal.append(b"second")
    journal.close()
    assert io.open_descriptors == 0


def test_a_write_that_fails_in_a_prepared_segment_is_cut_off_like_any_other() -> None:
    io = FaultyIo()
    journal = opened(io)
    journal.append(b"before")
    journal.make_spare()
    journal.append(b"in it")
    io.fail_write(errno.ENOSPC, after_bytes=20)
    with pytest.raises(JournalNotApplied):
        journal.append(b"refused")
    journal.append(b"after")
    io.lose_power(Loss.EVERYTHING)
    assert [payload for _, payload in opened(io).read(0)] == [b"before", b"in it", b"after"]


def test_closing_ends_a_spare_that_is_being_made(tmp_path: Path) -> None:
    journal = FileJournal.open(tmp_path, segment_size_bytes=4 * 1024 * 1024)
    journal.append(b"x")
    inside, go_on = threading.Event(), threading.Event()
    made: list[bool] = []

    def pause() -> None:
        inside.set()
        go_on.wait()

    maker = threading.Thread(target=lambda: made.append(journal.make_spare(pause)))
    maker.start()
    inside.wait()
    closer = threading.Thread(target=journal.close)
    closer.start()
    assert journal._spare._discarded.wait(30)
    go_on.set()
    closer.join()
    assert not (tmp_path / SPARE_FILE_NAME).exists()
    maker.join()
    assert made == [False]


class Wanting:
    """A journal that always wants a spare."""

    wants_spare = True
    segment_size_bytes = 1

    def __init__(self, directory: Path, make: Callable[[], None]) -> None:
        self.directory = str(directory)
        self.made = threading.Event()
        self._make = make

    def make_spare(self, pause: Callable[[], None]) -> bool:
        try:
            self._make()
        finally:
            self.made.set()
        return True


def test_the_maker_leaves_a_disk_without_room_alone_and_does_not_insist(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def refuse() -> None:
        raise OSError(errno.ENOSPC, "no space")

    journal = Wanting(tmp_path, refuse)
    maker = SpareMaker(journal)
    maker.check()
    assert journal.made.wait(30)
    assert maker._thread is not None
    maker._thread.join()
    assert "no segment could be prepared" in caplog.text
    journal.made.clear()
    maker.check()
    maker._thread.join()
    assert not journal.made.is_set(), "it tried again at once"

    full = Wanting(tmp_path, lambda: None)
    full.segment_size_bytes = 1 << 60
    maker = SpareMaker(full)
    maker.check()
    assert maker._thread is not None
    maker._thread.join()
    assert not full.made.is_set()
    assert spare.SPARE_FILE_NAME not in OsFileIo().listdir(str(tmp_path))


def test_a_system_without_threads_costs_no_append(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def refuse(_thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", refuse)
    SpareMaker(Wanting(tmp_path, lambda: None)).check()
    assert "can't start new thread" in caplog.text
