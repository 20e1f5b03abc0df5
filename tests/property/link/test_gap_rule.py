"""The gap rule under any network: each seq is applied exactly once, in order, and everything arrives in the end."""

from __future__ import annotations

from dataclasses import dataclass

from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from trunkline.protocol.link import gap

EPOCH = 9


@dataclass(frozen=True)
class Numbered:
    epoch: int
    seq: int


class Network(RuleBasedStateMachine):
    """A log that grows, pushes that are lost, doubled and reordered, and pulls that fail or answer late."""

    @initialize(
        first_visible=st.integers(1, 5),
        known=st.booleans(),
        max_held=st.integers(1, 6),
    )
    def begin(self, first_visible: int, known: bool, max_held: int) -> None:
        self.first = first_visible
        self.log_end = first_visible - 1
        self.now_ms = 0
        self.applied: list[int] = []
        self.on_the_way: list[int] = []
        self.pull: int | None = None
        self.asked_to_locate = False
        self.position: gap.Position[Numbered] = gap.Position(
            EPOCH, first_visible - 1 if known else None, max_held=max_held
        )

    def take(self, actions: list[gap.Action[Numbered]]) -> None:
        for action in actions:
            match action:
                case gap.Apply(entries):
                    assert entries, "an apply of nothing is no action"
                    self.applied.extend(entry.seq for entry in entries)
                case gap.Pull(from_seq):
                    assert self.pull is None, "one pull at a time"
                    assert from_seq == (self.position.last or 0) + 1
                    self.pull = from_seq
                case gap.Locate():
                    self.asked_to_locate = True
                case gap.Hold(_, until_ms):
                    assert until_ms > self.now_ms
                case gap.Resync():
                    raise AssertionError("there is one epoch")

    def answer(self, limit: int) -> None:
        assert self.pull is not None
        wanted = range(max(self.pull, self.first), self.log_end + 1)
        page = [Numbered(EPOCH, seq) for seq in wanted[:limit]]
        self.pull = None
        more = len(wanted) > limit
        self.take(self.position.history(EPOCH, page, self.now_ms, head=self.log_end, more=more))

    @rule(count=st.integers(1, 6), data=st.data())
    def entries_are_appended(self, count: int, data: st.DataObject) -> None:
        for _ in range(count):
            self.log_end += 1
            copies = data.draw(st.integers(0, 2))
            self.on_the_way.extend([self.log_end] * copies)

    @precondition(lambda self: self.on_the_way)
    @rule(data=st.data())
    def a_push_arrives(self, data: st.DataObject) -> None:
        index = data.draw(st.integers(0, len(self.on_the_way) - 1))
        self.take(self.position.push(Numbered(EPOCH, self.on_the_way.pop(index)), self.now_ms))

    @precondition(lambda self: self.pull is not None)
    @rule(limit=st.integers(0, 4))
    def a_pull_is_answered(self, limit: int) -> None:
        self.answer(limit)

    @precondition(lambda self: self.pull is not None)
    @rule()
    def a_pull_fails(self) -> None:
        self.pull = None
        self.position.pull_failed(self.now_ms)

    @precondition(lambda self: self.asked_to_locate)
    @rule()
    def the_view_arrives(self) -> None:
        self.asked_to_locate = False
        self.take(self.position.locate(self.first, self.now_ms))

    @rule(pushed=st.booleans(), data=st.data())
    def a_head_is_learnt(self, pushed: bool, data: st.DataObject) -> None:
        seq = data.draw(st.integers(0, self.log_end))
        self.take(self.position.head(seq, self.now_ms, pushed=pushed))

    @rule(ms=st.integers(1, 400))
    def time_passes(self, ms: int) -> None:
        self.now_ms += ms
        self.take(self.position.tick(self.now_ms))

    @rule()
    def the_connection_breaks(self) -> None:
        self.pull = None
        self.asked_to_locate = False
        self.take(self.position.reconnected(self.now_ms))

    @invariant()
    def applied_once_in_order(self) -> None:
        if hasattr(self, "position"):
            assert self.applied == list(range(self.first, self.first + len(self.applied)))
            if self.position.last is not None:
                assert self.position.last == self.first - 1 + len(self.applied)
            assert len(self.position.held) <= self.position._max_held

    @invariant()
    def nothing_known_to_be_missing_is_forgotten(self) -> None:
        """Whatever is known to exist and not applied has a pull under way or a time at which one starts."""
        if hasattr(self, "position") and self.position.last is not None and not self.position.complete:
            assert self.position.pulling or self.position.next_timeout_ms() is not None

    def teardown(self) -> None:
        """The network heals: everything arrives without another push."""
        if not hasattr(self, "position"):
            return
        self.the_connection_breaks()
        if self.position.last is None:  # never asked about, so never located
            self.take(self.position.locate(self.first, self.now_ms))
        self.take(self.position.head(self.log_end, self.now_ms))
        for _ in range(4 * self.log_end + 8):
            if self.pull is not None:
                self.answer(3)
        assert self.applied == list(range(self.first, self.log_end + 1))
        assert self.position.complete


TestGapRule = Network.TestCase


@given(st.lists(st.integers(1, 12), max_size=60), st.integers(1, 12))
def test_pushes_alone_in_any_order_apply_a_dense_prefix(pushes: list[int], max_held: int) -> None:
    position: gap.Position[Numbered] = gap.Position(EPOCH, 0, max_held=max_held)
    applied: list[int] = []
    for at_ms, seq in enumerate(pushes):
        for action in position.push(Numbered(EPOCH, seq), at_ms):
            if isinstance(action, gap.Apply):
                applied.extend(entry.seq for entry in action.entries)
    assert applied == list(range(1, len(applied) + 1))
    if max_held == 12:
        arrived = set(pushes)
        dense = 0
        while dense + 1 in arrived:
            dense += 1
        assert len(applied) == dense
