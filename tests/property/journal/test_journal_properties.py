"""Whatever happens to the bytes: no frame is ever changed, invented, or silently missing in the middle."""

from __future__ import annotations

import itertools

from hypothesis import assume, given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from tests.faults.faulty_io import FaultyIo, Loss, SimulatedCrash
from tests.faults.journal_world import DIRECTORY, JournalWorld
from trunkline.protocol.journal.errors import JournalCorrupt, JournalFailed, JournalNotApplied
from trunkline.protocol.journal.format import (
    SEGMENT_HEADER_SIZE,
    SegmentHeader,
    encode_frame,
    genesis_chain,
)
from trunkline.protocol.journal.scan import EndKind, Frame, FrameScanner, SegmentEnd
from trunkline.store.journal.file_journal import FileJournal

STORE_ID = bytes(16)
HEADER = SegmentHeader(STORE_ID, b"salt of the test", 1, genesis_chain(STORE_ID))

# Payloads with runs of zeros and with bytes that look like frames are the interesting ones.
_FORGED, _ = encode_frame(0, HEADER.prev_chain, 2, b"forged")
_REAL, _ = encode_frame(HEADER.seed ^ 1, HEADER.prev_chain, 2, b"almost real")
payload = st.one_of(
    st.binary(max_size=80),
    st.integers(0, 700).map(bytes),
    st.sampled_from([_FORGED, _REAL, _FORGED[:30], b"\xf5TLF" * 9, b"\0" * 50 + b"x"]),
)
payloads = st.lists(payload, max_size=8)


def build(groups: list[bytes]) -> tuple[bytes, list[int]]:
    """A segment's bytes behind its header, and the offset in them where each frame ends."""
    data, ends, chain = b"", [0], HEADER.prev_chain
    for lsn, group in enumerate(groups, 1):
        frame, chain = encode_frame(HEADER.seed, chain, lsn, group)
        data += frame
        ends.append(len(data))
    return data, ends


def scan(chunks: list[bytes]) -> tuple[list[Frame], SegmentEnd]:
    scanner = FrameScanner(HEADER)
    frames: list[Frame] = []
    for chunk in chunks:
        scanner.feed(chunk)
        frames.extend(scanner.frames())
    return frames, scanner.finish()


def split(data: bytes, cuts: list[int]) -> list[bytes]:
    points = [0, *sorted({cut % (len(data) + 1) for cut in cuts}), len(data)]
    return [data[start:end] for start, end in itertools.pairwise(points)]


@given(payloads, st.integers(0, 600), st.lists(st.integers(0, 10_000), max_size=12))
def test_splitting_anywhere_changes_nothing(groups: list[bytes], zeros: int, cuts: list[int]) -> None:
    data = build(groups)[0] + bytes(zeros)
    frames, end = scan(split(data, cuts))
    assert (frames, end) == scan([data])
    assert [frame.payload for frame in frames] == groups
    assert end.kind is EndKind.CLEAN


@given(payloads, st.binary(max_size=60), st.integers(0, 10_000), st.lists(st.integers(0, 10_000), max_size=12))
def test_splitting_anywhere_changes_no_verdict_on_damage(
    groups: list[bytes], noise: bytes, at: int, cuts: list[int]
) -> None:
    data, _ = build(groups)
    at %= len(data) + 1
    data = data[:at] + noise + data[at + len(noise) :]
    assert scan(split(data, cuts)) == scan([data])


@given(payloads, st.integers(0, 10_000), st.integers(0, 600))
def test_any_prefix_is_a_prefix_of_the_frames_and_at_most_a_torn_tail(
    groups: list[bytes], size: int, zeros: int
) -> None:
    data, ends = build(groups)
    size %= len(data) + 1
    frames, end = scan([data[:size] + bytes(zeros)])
    whole = sum(1 for offset in ends[1:] if offset <= size)
    # A frame whose missing rest was zeros is complete when zeros follow.
    assert whole <= len(frames) <= whole + 1
    assert [frame.payload for frame in frames] == groups[: len(frames)]
    assert end.kind in (EndKind.CLEAN, EndKind.TORN_TAIL)
    assert end.offset == SEGMENT_HEADER_SIZE + ends[len(frames)]
    if any(data[ends[len(frames)] : size]):
        assert end.kind is EndKind.TORN_TAIL


@given(payloads, st.integers(0, 100_000), st.integers(0, 100))
def test_a_flipped_bit_is_never_accepted(groups: list[bytes], bit: int, zeros: int) -> None:
    """Every frame before it is unharmed; the one it hits is torn if it is the last, else corrupt."""
    assume(groups)
    data, ends = build(groups)
    bit %= len(data) * 8
    changed = bytearray(data)
    changed[bit // 8] ^= 1 << bit % 8
    frames, end = scan([bytes(changed) + bytes(zeros)])
    hit = next(index for index, offset in enumerate(ends[1:]) if bit // 8 < offset)
    assert [frame.payload for frame in frames] == groups[:hit]
    assert end.kind is (EndKind.TORN_TAIL if hit == len(groups) - 1 else EndKind.CORRUPT)
    assert end.offset == SEGMENT_HEADER_SIZE + ends[hit]


@given(payloads, st.integers(0, 10_000), st.binary(min_size=1, max_size=300))
def test_overwriting_any_stretch_never_changes_a_frame(groups: list[bytes], at: int, noise: bytes) -> None:
    data, ends = build(groups)
    at %= len(data) + 1
    changed = data[:at] + noise + data[at + len(noise) :]
    frames, end = scan([changed])
    assert [frame.payload for frame in frames] == groups[: len(frames)]
    touched = next((index for index, offset in enumerate(ends[1:]) if changed[:offset] != data[:offset]), len(groups))
    assert len(frames) == touched
    if touched < len(groups) and at + len(noise) <= ends[-2]:
        assert end.kind is EndKind.CORRUPT, "a whole last frame lies behind the damage"


@given(payloads, st.data())
def test_removing_a_frame_from_the_middle_is_never_accepted(groups: list[bytes], data: st.DataObject) -> None:
    assume(len(groups) >= 2)
    content, ends = build(groups)
    index = data.draw(st.integers(0, len(groups) - 2))
    frames, end = scan([content[: ends[index]] + content[ends[index + 1] :]])
    assert len(frames) == index
    assert end.kind is EndKind.CORRUPT


@settings(max_examples=150)
@given(st.lists(st.binary(min_size=1, max_size=300), min_size=1, max_size=12), st.data())
def test_a_flipped_bit_anywhere_in_the_directory_is_refused_or_harmless(
    groups: list[bytes], data: st.DataObject
) -> None:
    """The whole journal, mark included: after one bit error it opens with all frames, or not at all."""
    io = FaultyIo()
    options = {"segment_size_bytes": 600, "preallocate_bytes": 200}
    journal = FileJournal.open(DIRECTORY, io, **options)  # type: ignore[arg-type]
    for group in groups:
        journal.append(group)
    io.crash()
    name = data.draw(st.sampled_from(sorted(io.listdir(DIRECTORY))))
    path = f"{DIRECTORY}/{name}"
    size = len(io.content(path))
    io.flip_bit(path, data.draw(st.integers(0, size * 8 - 1)))
    try:
        journal = FileJournal.open(DIRECTORY, io, **options)  # type: ignore[arg-type]
    except JournalCorrupt as error:
        assert error.file == name
        return
    assert [found for _, found in journal.read(0)] == groups


class JournalLife(RuleBasedStateMachine):
    """Any order of appends, faults, crashes and trims; after each start everything acknowledged is there."""

    @initialize(seed=st.integers(0, 2**32), preallocate=st.sampled_from([0, 100, 5000]))
    def start(self, seed: int, preallocate: int) -> None:
        self.world = JournalWorld(seed, segment_size_bytes=1500, preallocate_bytes=preallocate)
        self.world.open()

    def _reopen(self) -> None:
        self.world.open()
        self.world.check()

    @rule(group=st.one_of(st.binary(max_size=40), st.integers(0, 1200).map(bytes), st.just(_FORGED * 3)))
    def append(self, group: bytes) -> None:
        self.world.append(group)

    @rule(back=st.integers(0, 20))
    def trim(self, back: int) -> None:
        last = max(self.world.acked, default=0)
        self.world.trim(max(1, last - back))

    @rule()
    def read_all(self) -> None:
        self.world.check()

    @rule(error=st.sampled_from([28, 27, 5]), after=st.integers(0, 300), group=st.binary(min_size=1, max_size=400))
    def append_to_a_failing_disk(self, error: int, after: int, group: bytes) -> None:
        """A definite refusal is definite: the number is given to the next group."""
        self.world.io.fail_write(error, after_bytes=after)
        self.world.in_flight = None
        assert self.world.journal is not None
        try:
            self.world.journal.append(group)
        except JournalNotApplied:
            self.world.check()
        except JournalFailed:
            # The error met the creation of a segment and was not about space.
            self._restart(None)
        else:
            raise AssertionError("the write error vanished")

    @rule(group=st.binary(min_size=1, max_size=400), shows=st.booleans())
    def append_with_a_failing_fsync(self, group: bytes, shows: bool) -> None:
        self.world.io.fail_fsync(cache_shows_lost_data=shows)
        self.world.in_flight = group
        assert self.world.journal is not None
        try:
            self.world.journal.append(group)
        except JournalFailed:
            self._restart(None)
        else:
            raise AssertionError("the fsync error vanished")

    @rule(operations=st.integers(1, 30), loss=st.sampled_from([None, *Loss]))
    def crash(self, operations: int, loss: Loss | None) -> None:
        self.world.io.crash_at_operation(self.world.io.operations + operations)
        crashed = self.world.run_until_crash(40)
        assert crashed
        self._restart(loss)

    @rule(operations=st.integers(1, 8), loss=st.sampled_from([None, *Loss]))
    def crash_while_recovering(self, operations: int, loss: Loss | None) -> None:
        self.world.io.crash()
        self.world.io.crash_at_operation(self.world.io.operations + operations)
        try:
            self.world.open()
        except SimulatedCrash:
            self._restart(loss)
        else:
            self.world.io.crash_at_operation(None)

    @precondition(lambda self: self.world.journal is not None)
    @rule()
    def close_and_open(self) -> None:
        assert self.world.journal is not None
        self.world.journal.close()
        assert self.world.io.open_descriptors == 0
        self._reopen()
        assert self.world.journal.report.truncated_bytes == 0

    def _restart(self, loss: Loss | None) -> None:
        if loss is None:
            self.world.io.crash()
        else:
            self.world.io.lose_power(loss)
        self._reopen()


TestJournalLife = JournalLife.TestCase
TestJournalLife.settings = settings(max_examples=60, stateful_step_count=30, deadline=None)
