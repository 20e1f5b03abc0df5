"""Opening directories that were damaged on purpose: what is refused, what is repaired, what is said."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.faults.faulty_io import FaultyIo, Loss
from tests.faults.journal_world import DIRECTORY
from trunkline.protocol.journal import format as layout
from trunkline.protocol.journal.errors import (
    JournalCorrupt,
    JournalFailed,
    JournalTooShort,
    JournalUnsupported,
    JournalWrongStore,
)
from trunkline.protocol.journal.format import encode_frame
from trunkline.store.journal.file_journal import FileJournal

FIRST = f"{DIRECTORY}/00000000000000000001.tlj"
SECOND = f"{DIRECTORY}/00000000000000000004.tlj"
LAST = f"{DIRECTORY}/00000000000000000010.tlj"
MARK = f"{DIRECTORY}/DURABLE"


def reopen(io: FaultyIo) -> FileJournal:
    return FileJournal.open(DIRECTORY, io, segment_size_bytes=1000, preallocate_bytes=256)


@pytest.fixture
def io() -> FaultyIo:
    """A sound journal of 11 frames in 4 segments, its process killed."""
    io = FaultyIo()
    journal = reopen(io)
    for lsn in range(1, 12):
        journal.append(bytes([lsn]) * 200)
    io.crash()
    return io


def everything(io: FaultyIo) -> dict[str, bytes]:
    return {name: io.content(f"{DIRECTORY}/{name}") for name in io.listdir(DIRECTORY)}


def assert_refused(io: FaultyIo, kind: type[Exception], match: str) -> None:
    before = everything(io)
    with pytest.raises(kind, match=match):
        reopen(io)
    assert everything(io) == before, "a refused directory must stay as it was found"
    assert io.open_descriptors == 0


def forget_mark(io: FaultyIo) -> None:
    """As after a power loss in which no mark had been written back since the start."""
    io.replace(MARK, bytes(8192))


def cut(io: FaultyIo, path: str, size: int) -> None:
    io.replace(path, io.content(path)[:size])


def remove(io: FaultyIo, path: str) -> None:
    io.unlink(path)
    io.fsync_dir(DIRECTORY)


# ---------------------------------------------------------------------- sound


def test_a_killed_process_leaves_nothing_to_repair(io: FaultyIo) -> None:
    journal = reopen(io)
    assert [lsn for lsn, _ in journal.read(0)] == list(range(1, 12))
    assert not journal.report.notable
    assert journal.report.describe() == "journal opened: frames 1 to 11 in 4 segment(s)"


def test_a_torn_append_is_cut_off_and_reported(io: FaultyIo) -> None:
    journal = reopen(io)
    end = journal.segments()[-1].size_bytes
    io.crash()
    frame, _ = encode_frame(0, bytes(16), 12, b"t" * 100)
    content = io.content(LAST)[:end] + frame[:90]
    io.replace(LAST, content)
    journal = reopen(io)
    report = journal.report
    assert report.notable
    assert (report.truncated_file, report.truncated_at_offset, report.truncated_bytes) == (
        "00000000000000000010.tlj",
        end,
        90,
    )
    assert "never acknowledged" in report.describe()
    assert f"90 bytes cut off 00000000000000000010.tlj at byte {end}" in report.describe()
    assert len(io.content(LAST)) == end
    assert journal.append(b"twelve") == 12
    io.lose_power(Loss.EVERYTHING)
    assert list(reopen(io).read(11)) == [(12, b"twelve")]


def test_an_unfinished_segment_is_removed(io: FaultyIo) -> None:
    fd = io.open(f"{DIRECTORY}/00000000000000000012.tlj.new", create=True)
    io.pwrite(fd, b"half a header", 0)
    io.crash()
    journal = reopen(io)
    assert journal.report.removed_unfinished == ("00000000000000000012.tlj.new",)
    assert "removed unfinished" in journal.report.describe()
    assert journal.append(b"a") == 12


def test_other_files_in_the_directory_are_left_alone(io: FaultyIo) -> None:
    io.open(f"{DIRECTORY}/notes.txt", create=True)
    io.crash()
    reopen(io)
    assert "notes.txt" in io.listdir(DIRECTORY)


# ---------------------------------------------------------------------- damaged in the middle


@pytest.mark.parametrize("path", [FIRST, SECOND])
@pytest.mark.parametrize("offset", [0, 95, 96, 100, 104, 120, 143, 144, 200, 343, 500, 838])
def test_any_damage_in_a_completed_segment_is_refused(io: FaultyIo, path: str, offset: int) -> None:
    assert len(io.content(path)) == 840
    io.flip_bit(path, offset * 8 + 3)
    forget_mark(io)
    assert_refused(io, JournalCorrupt, rf"{os.path.basename(path)} is damaged at byte \d+: .*restore the store")


@pytest.mark.parametrize("size", [0, 50, 96, 97, 200, 344, 592, 839])
def test_a_shortened_completed_segment_is_refused(io: FaultyIo, size: int) -> None:
    cut(io, SECOND, size)
    forget_mark(io)
    assert_refused(io, JournalCorrupt, "00000000000000000004.tlj is damaged")


def test_a_damaged_frame_before_the_last_one_is_refused(io: FaultyIo) -> None:
    io.flip_bit(LAST, (96 + 48 + 20) * 8)
    forget_mark(io)
    assert_refused(io, JournalCorrupt, "0010.tlj is damaged at byte 96: .* frame 11 was written behind it")


@pytest.mark.parametrize("bit", range(0, 48 * 8, 5))
def test_a_flipped_bit_in_any_header_field_before_the_last_frame_is_refused(io: FaultyIo, bit: int) -> None:
    io.flip_bit(LAST, 96 * 8 + bit)
    forget_mark(io)
    assert_refused(io, JournalCorrupt, "damaged at byte 96")


def test_a_damaged_header_of_the_last_segment_is_refused(io: FaultyIo) -> None:
    io.flip_bit(LAST, 300)
    forget_mark(io)
    assert_refused(io, JournalCorrupt, "segment header does not match")


@pytest.mark.parametrize("path", [SECOND, f"{DIRECTORY}/00000000000000000007.tlj"])
def test_a_missing_segment_is_refused(io: FaultyIo, path: str) -> None:
    remove(io, path)
    forget_mark(io)
    assert_refused(io, JournalCorrupt, "but the next segment starts at")


def test_a_segment_under_a_wrong_name_is_refused(io: FaultyIo) -> None:
    io.rename(LAST, f"{DIRECTORY}/00000000000000000099.tlj")
    assert_refused(io, JournalCorrupt, "header says it starts at frame 10")


def test_an_exchanged_segment_of_the_same_store_is_refused(io: FaultyIo) -> None:
    """A copy from before, continued differently: checksums are right, the chain is not."""
    other = FaultyIo(1)
    journal = FileJournal.open(DIRECTORY, io, segment_size_bytes=1000)
    store_id = journal.store_id
    io.crash()
    journal = FileJournal.open(DIRECTORY, other, store_id=store_id, segment_size_bytes=1000)
    for lsn in range(1, 12):
        journal.append(bytes([lsn + 100]) * 200)
    io.replace(SECOND, other.content(SECOND))
    assert_refused(io, JournalCorrupt, "0001.tlj is damaged at byte 840: the next segment does not continue")


def test_damage_behind_the_verified_position_is_found_by_the_reader(io: FaultyIo) -> None:
    """Not read through at the start, so it must never pass as data later."""
    io.flip_bit(FIRST, 8 * 400)
    journal = FileJournal.open(DIRECTORY, io, verify_after_lsn=9)
    with pytest.raises(JournalCorrupt, match=r"0001\.tlj is damaged at byte 344"):
        list(journal.read(0))
    assert [lsn for lsn, _ in journal.read(3)] == list(range(4, 12))


def test_damage_that_happens_while_open_is_found_by_the_reader(io: FaultyIo) -> None:
    journal = reopen(io)
    content = bytearray(io.content(LAST))
    content[150] ^= 1
    io.replace(LAST, bytes(content))
    with pytest.raises(JournalCorrupt, match=r"0010\.tlj is damaged at byte 96"):
        list(journal.read(8))


def test_a_file_removed_while_open_is_damage_not_a_trim(io: FaultyIo) -> None:
    journal = reopen(io)
    remove(io, FIRST)
    with pytest.raises(JournalCorrupt, match="the file is gone"):
        list(journal.read(0))


def test_unreadable_sectors_are_damage(tmp_path: Path, io: FaultyIo) -> None:
    def fail(fd: int, size: int, offset: int) -> bytes:
        raise OSError(5, "Input/output error")

    journal = reopen(io)
    io.pread = fail  # type: ignore[method-assign]
    with pytest.raises(JournalCorrupt, match=r"cannot be read .*Input/output error"):
        list(journal.read(0))


# ---------------------------------------------------------------------- damaged at the end


def _flip_in_last_frame(io: FaultyIo) -> None:
    io.flip_bit(LAST, (96 + 248 + 100) * 8)


def _cut_last_frame(io: FaultyIo) -> None:
    cut(io, LAST, 96 + 248 + 100)


def _remove_last_frame(io: FaultyIo) -> None:
    cut(io, LAST, 96 + 248)


def _zero_last_frame(io: FaultyIo) -> None:
    io.replace(LAST, io.content(LAST)[: 96 + 248] + bytes(400))


def _remove_last_segment(io: FaultyIo) -> None:
    remove(io, LAST)


END_DAMAGES = [_flip_in_last_frame, _cut_last_frame, _remove_last_frame, _zero_last_frame, _remove_last_segment]


@pytest.mark.parametrize("damage", END_DAMAGES)
def test_the_mark_tells_damage_to_the_last_frames_from_a_torn_append(
    io: FaultyIo, damage: Callable[[FaultyIo], None]
) -> None:
    damage(io)
    assert_refused(io, JournalCorrupt, "although frame 11 was durable already")


@pytest.mark.parametrize("damage", END_DAMAGES)
def test_the_limit_without_a_mark_the_damaged_last_frame_looks_like_a_crash(
    io: FaultyIo, damage: Callable[[FaultyIo], None]
) -> None:
    """Documented: this is what the mark is for. The index knows a later position, and that is noticed."""
    damage(io)
    forget_mark(io)
    journal = reopen(io)
    assert journal.last_lsn == (9 if damage is _remove_last_segment else 10)
    assert journal.report.mark_state == "damaged"
    assert "could not be ruled out" in journal.report.describe()
    with pytest.raises(JournalTooShort):
        journal.read(11)


def test_a_mark_left_old_by_a_power_loss_still_covers_what_it_knows(io: FaultyIo) -> None:
    journal = reopen(io)  # its mark, synced here, says 11
    for lsn in range(12, 15):
        journal.append(bytes([lsn]) * 200)
    io.lose_power(Loss.EVERYTHING)
    sound = everything(io)
    assert reopen(io).last_lsn == 14
    io.crash()
    for name, content in sound.items():
        io.replace(f"{DIRECTORY}/{name}", content)
    remove(io, f"{DIRECTORY}/00000000000000000013.tlj")
    # Frames 13 and 14 are beyond the old mark, so their loss passes ...
    assert reopen(io).last_lsn == 12
    io.crash()
    # ... but what the mark knows does not.
    _remove_last_segment(io)
    assert_refused(io, JournalCorrupt, "although frame 12 was durable already")


def test_the_mark_is_durable_whenever_a_segment_is_begun() -> None:
    """So that after a power loss the removal of completed segments is noticed."""
    io = FaultyIo()
    journal = reopen(io)
    for lsn in range(1, 12):
        journal.append(bytes([lsn]) * 200)
    io.lose_power(Loss.EVERYTHING)
    remove(io, LAST)
    remove(io, f"{DIRECTORY}/00000000000000000007.tlj")
    assert_refused(io, JournalCorrupt, "although frame 9 was durable already")


def test_the_mark_is_durable_after_opening(io: FaultyIo) -> None:
    remove(io, MARK)
    reopen(io)
    io.lose_power(Loss.EVERYTHING)
    assert reopen(io).report.mark_state == "sound"
    io.crash()
    _remove_last_frame(io)
    assert_refused(io, JournalCorrupt, "although frame 11 was durable already")


def test_all_segments_gone_is_refused(io: FaultyIo) -> None:
    for name in list(io.listdir(DIRECTORY)):
        if name.endswith(".tlj"):
            remove(io, f"{DIRECTORY}/{name}")
    assert_refused(io, JournalCorrupt, "frame 11 was durable, but all segment files are gone")


def test_a_missing_mark_is_made_again_and_reported(io: FaultyIo) -> None:
    remove(io, MARK)
    journal = reopen(io)
    assert journal.report.mark_state == "missing"
    assert journal.report.notable
    io.crash()
    assert not reopen(io).report.notable


def test_a_frame_exchanged_for_another_at_the_mark_is_refused(io: FaultyIo) -> None:
    """The last segment replaced by one of the same length with another history."""
    other = FaultyIo(1)
    for name, content in everything(io).items():
        other.make_directory(DIRECTORY)
        other.open(f"{DIRECTORY}/{name}", create=True)
        other.replace(f"{DIRECTORY}/{name}", content)
    cut(other, LAST, 96 + 248)
    other.replace(MARK, bytes(8192))
    reopen(other).append(b"\xff" * 200)
    io.replace(LAST, other.content(LAST))
    assert_refused(io, JournalCorrupt, "frame 11 is not the one that was made durable")


# ---------------------------------------------------------------------- foreign and newer


def test_the_journal_of_another_store_is_refused(io: FaultyIo) -> None:
    with pytest.raises(JournalWrongStore, match="check the data directory"):
        FileJournal.open(DIRECTORY, io, store_id=bytes(16))
    assert io.open_descriptors == 0


@pytest.mark.parametrize("name", [os.path.basename(LAST), "DURABLE"])
def test_a_file_of_another_store_is_refused(io: FaultyIo, name: str) -> None:
    other = FaultyIo(1)
    journal = reopen(other)
    for lsn in range(1, 12):
        journal.append(bytes([lsn]) * 200)
    io.replace(f"{DIRECTORY}/{name}", other.content(f"{DIRECTORY}/{name}"))
    assert_refused(io, JournalWrongStore, "belongs to another store")


def test_a_newer_format_is_unsupported_and_untouched(monkeypatch: pytest.MonkeyPatch) -> None:
    io = FaultyIo()
    monkeypatch.setattr(layout, "FORMAT_VERSION", 2)
    for module in ("format", "mark", "scan"):
        monkeypatch.setattr(f"trunkline.protocol.journal.{module}.FORMAT_VERSION", 2)
    monkeypatch.setattr("trunkline.store.journal.segment.FORMAT_VERSION", 2)
    monkeypatch.setattr(layout.SegmentHeader.__new__, "__defaults__", (0, 2))
    journal = reopen(io)
    journal.append(b"from the future")
    io.crash()
    monkeypatch.undo()
    assert_refused(io, JournalUnsupported, "format 2")
    remove(io, MARK)
    assert_refused(io, JournalUnsupported, "0001.tlj has format 2")


def test_a_disk_that_cannot_sync_refuses_to_open_a_sound_journal(io: FaultyIo) -> None:
    io.fail_fsync()
    with pytest.raises(JournalFailed, match="cannot be made durable"):
        reopen(io)
    assert io.open_descriptors == 0
    assert reopen(io).last_lsn == 11


# ---------------------------------------------------------------------- fsync switched off and on


def test_a_journal_that_ran_without_fsync_is_made_durable_by_the_next_open() -> None:
    io = FaultyIo()
    journal = FileJournal.open(DIRECTORY, io, fsync=False, segment_size_bytes=1000)
    for lsn in range(1, 12):
        journal.append(bytes([lsn]) * 200)
    assert journal.report.mark_state == "off"
    io.crash()
    assert reopen(io).last_lsn == 11
    io.lose_power(Loss.EVERYTHING)
    assert [lsn for lsn, _ in reopen(io).read(0)] == list(range(1, 12))


def test_an_unwritable_directory_is_an_os_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(OSError, match="Not a directory"):
        FileJournal.open(tmp_path / "file" / "journal")


def test_directories_above_are_created(tmp_path: Path) -> None:
    with FileJournal.open(tmp_path / "a" / "b" / "journal") as journal:
        journal.append(b"a")
    assert sorted(path.name for path in (tmp_path / "a" / "b" / "journal").iterdir()) == [
        "00000000000000000001.tlj",
        "DURABLE",
        "LOCK",
    ]
