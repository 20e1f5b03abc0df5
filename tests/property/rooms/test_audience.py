"""A room's stream and its cohorts, against a model that keeps what each connection is owed."""

from __future__ import annotations

from itertools import chain

from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from trunkline.domain.rooms.audience import Audience, Cohort
from trunkline.domain.rooms.tick import Item

TICK_S = 0.05
SIZE = 3


def item(seq: int) -> Item:
    return Item("x.say", "user/a", 0, b"", seq=seq)


class Streaming(RuleBasedStateMachine):
    """Connections come and go while items are published and turns are taken."""

    def __init__(self) -> None:
        super().__init__()
        self.real: Audience[int] = Audience(10, SIZE)
        self.now_s = 0.0
        self.seq = 10
        self.connections = 0
        self.owed: dict[int, list[Item]] = {}
        self.last_seq: dict[int, int] = {}
        self.missed: list[Item] = []
        self.counted_missed: list[Item] = []

    @initialize(members=st.integers(0, 12))
    def begin(self, members: int) -> None:
        for _ in range(members):
            self.enter()

    @rule()
    def enter(self) -> None:
        self.connections += 1
        self.real.enter(self.connections, self.now_s)
        self.owed[self.connections] = []
        self.last_seq[self.connections] = self.seq

    @precondition(lambda self: self.owed)
    @rule(data=st.data())
    def enter_again(self, data: st.DataObject) -> None:
        self.real.enter(data.draw(st.sampled_from(sorted(self.owed))), self.now_s)

    @precondition(lambda self: self.owed)
    @rule(data=st.data(), comes_back=st.booleans())
    def leave(self, data: st.DataObject, comes_back: bool) -> None:
        gone = data.draw(st.sampled_from(sorted(self.owed)))
        self.real.leave(gone)
        self.real.leave(gone)
        self.missed += self.owed.pop(gone)
        if comes_back:
            self.real.enter(gone, self.now_s)
            self.owed[gone] = []
            self.last_seq[gone] = self.seq

    @rule(stored=st.lists(st.booleans(), max_size=4))
    def publish(self, stored: list[bool]) -> None:
        items = []
        for is_stored in stored:
            self.seq += is_stored
            items.append(item(self.seq if is_stored else 0))
        self.real.publish(items)
        for mine in self.owed.values():
            mine += items

    @rule(elapsed_s=st.sampled_from([0.0, TICK_S / 2, TICK_S]))
    def turn(self, elapsed_s: float) -> None:
        self.now_s += elapsed_s
        taken = self.real.take(self.now_s)
        assert len(taken) <= 1 or sum(len(cohort.sessions) for cohort in taken) <= SIZE
        for cohort in taken:
            self._give(cohort)
        self.real.put_back(taken, self.now_s + TICK_S)

    def _give(self, cohort: Cohort[int]) -> None:
        items = self.real.items(cohort.at, self.real.end)
        for session in cohort.sessions:
            assert items == self.owed[session]
            assert cohort.seq == self.last_seq[session] == self.real.seq_of(session)
            self.owed[session] = []
            self.last_seq[session] = self.seq
        for end in cohort.gone:
            self.counted_missed += self.real.items(cohort.at, end)

    @invariant()
    def what_somebody_is_owed_is_kept(self) -> None:
        behind = max((len(mine) for mine in self.owed.values()), default=0)
        assert self.real.end - self.real.reached >= behind
        assert self.real.seq == self.seq

    def teardown(self) -> None:
        """Everybody gets everything after at most as many turns as there are cohorts, half full ones included."""
        for _ in range(2 * self.connections + 2):
            self.turn(TICK_S)
        assert not any(self.owed.values())
        assert self.real.reached == self.real.end
        assert sorted(map(id, self.missed)) == sorted(map(id, self.counted_missed))


TestStreaming = Streaming.TestCase


@given(st.integers(1, 40), st.integers(1, 7))
def test_a_message_waits_for_one_round_wherever_in_the_round_it_comes(members: int, size: int) -> None:
    """Items come before every turn; each reaches a connection within a round of turns, and rounds keep their order."""
    audience: Audience[int] = Audience(0, size)
    for member in range(members):
        audience.enter(member, 0.0)
    cohorts = -(-members // size)
    order: list[list[int]] = []
    for turn in range(3 * cohorts):
        audience.publish([item(turn + 1)])
        taken = audience.take(1.0)
        assert [cohort.at for cohort in taken] == [max(0, turn + 1 - cohorts)]
        order.append([session for cohort in taken for session in cohort.sessions])
        audience.put_back(taken, 0.0)
    assert order[:cohorts] == order[cohorts : 2 * cohorts] == order[2 * cohorts :]
    assert sorted(chain.from_iterable(order[:cohorts])) == list(range(members))


def test_connections_that_came_one_by_one_become_one_cohort() -> None:
    audience: Audience[int] = Audience(0, 4)
    for member in range(4):
        audience.enter(member, 0.0)
        audience.publish([item(member + 1)])
    taken = audience.take(0.0)
    assert [len(cohort.sessions) for cohort in taken] == [1, 1, 1, 1]
    audience.put_back(taken, 0.0)
    audience.publish([item(9)])
    assert [sorted(cohort.sessions) for cohort in audience.take(0.0)] == [[0, 1, 2, 3]]
