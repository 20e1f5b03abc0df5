"""The schedule against a model: any order of arrivals, failures, fetches, saves and crashes delivers everything.

The model is the log itself: a list of (conversation, entry) in the order of the journal. A crash forgets everything
but what ``take_changes`` returned last, exactly as the server does.
"""

from __future__ import annotations

import random
from collections import defaultdict

from hypothesis import given, settings
from hypothesis import strategies as st

from trunkline.domain.log.records import Entry
from trunkline.domain.webhooks.lanes import cost_of
from trunkline.domain.webhooks.schedule import Attempt, Bounds, Fetch, Schedule


class World:
    """A journal, a receiver, and a webhook between them that can be killed."""

    def __init__(self, seed: int, lanes: int, lane_entries: int, buffered: int) -> None:
        self.rng = random.Random(seed)
        self.bounds = Bounds(lanes=lanes, lane_entries=lane_entries, buffered_bytes=buffered, outage_after=6)
        self.journal: list[tuple[str, Entry]] = []
        self.logs: defaultdict[str, list[Entry]] = defaultdict(list)
        self.arrived: defaultdict[str, list[int]] = defaultdict(list)
        self.cursor = 0
        self.lanes: dict[str, int] = {}
        self.now_s = 0.0
        self.sick: set[str] = set()
        self.start()

    def start(self) -> None:
        self.schedule = Schedule(self.cursor, dict(self.lanes), known_to=len(self.journal), bounds=self.bounds)
        self.under_way: list[Attempt | Fetch] = []
        self.heads: dict[str, int] = {}

    def say(self, conversation: str, wanted: bool) -> None:
        log = self.logs[conversation]
        entry = Entry(len(log) + 1, 0, "user/u", "text" if wanted else "noise", b"x" * 50, 0, 0)
        log.append(entry)
        self.journal.append((conversation, entry))

    def read(self, count: int) -> None:
        for _ in range(count):
            position = self.schedule.read_position
            if position >= len(self.journal) or not self.schedule.has_room:
                return
            conversation, entry = self.journal[position]
            if entry.type == "text":
                self.schedule.admit(position + 1, conversation, entry)
            self.schedule.passed(position + 1)

    def begin(self) -> bool:
        work = self.schedule.next_work(self.now_s)
        if work is None:
            return False
        # At most one thing per conversation at a time.
        assert work.conversation not in {other.conversation for other in self.under_way}
        if isinstance(work, Fetch) and work.last == 0:
            # The head is looked up when the fetch begins; more may be said before it ends.
            self.heads[work.conversation] = len(self.logs[work.conversation])
        self.under_way.append(work)
        return True

    def end(self, fails: bool) -> bool:
        if not self.under_way:
            return False
        work = self.under_way.pop(self.rng.randrange(len(self.under_way)))
        if isinstance(work, Fetch):
            last = work.last or self.heads[work.conversation]
            up_to = min(last, work.first + self.rng.randint(0, 5))
            found = self.logs[work.conversation][work.first - 1 : up_to]
            self.schedule.fetched(work.conversation, [e for e in found if e.type == "text"], up_to, last)
        elif fails or work.conversation in self.sick:
            self.schedule.failed(work.conversation, self.now_s + 2, self.now_s + 1)
        else:
            self.arrived[work.conversation].append(work.entry.seq)
            self.schedule.delivered(work.conversation, self.now_s)
        return True

    def save(self, whole: bool) -> None:
        position, changes = self.schedule.take_changes(whole=whole)
        assert position >= self.cursor
        self.cursor = position
        if whole:
            self.lanes.clear()
        for conversation, next_seq in changes:
            if next_seq:
                self.lanes[conversation] = next_seq
            else:
                self.lanes.pop(conversation, None)
        self.check_saved()

    def check_saved(self) -> None:
        """What is saved must never claim more than what arrived."""
        for conversation, entry in self.journal[: self.cursor]:
            if entry.type != "text" or entry.seq in self.arrived[conversation]:
                continue
            assert self.lanes.get(conversation, entry.seq + 1) <= entry.seq, "saved as delivered, and was not"

    def check_bounds(self) -> None:
        schedule = self.schedule
        assert len(schedule._lanes) <= self.bounds.lanes + len(self.lanes)
        held = sum(cost_of(entry) for lane in schedule._lanes.values() for _, entry in lane.buffer)
        assert held == schedule.buffered_bytes

    def finish(self) -> None:
        """The receiver is well again: everything arrives, however long it takes."""
        self.sick.clear()
        for _ in range(100_000):
            self.read(50)
            if not (self.begin() or self.end(False)):
                if self.schedule.idle and self.schedule.read_position == len(self.journal):
                    break
                wake = self.schedule.wake_at_s()
                assert wake is not None, "it waits for nothing"
                self.now_s = max(self.now_s, wake)
        for conversation, log in self.logs.items():
            wanted = [entry.seq for entry in log if entry.type == "text"]
            assert sorted(set(self.arrived[conversation])) == wanted
            assert first_arrivals(self.arrived[conversation]) == wanted
        self.save(False)
        assert (self.cursor, self.lanes) == (len(self.journal), {})


def first_arrivals(seqs: list[int]) -> list[int]:
    """Each seq when it came first."""
    return list(dict.fromkeys(seqs))


NAMES = ("say", "read", "begin", "end", "save", "sick", "wait", "crash")


def steps(rng: random.Random, count: int) -> list[tuple[str, int, bool]]:
    """A long course of events, with tempers of its own: how often what happens, how often it fails."""
    weights = [rng.choice((1, 4, 12)) for _ in NAMES]
    weights[NAMES.index("crash")] = rng.choice((0, 1, 2))
    weights[NAMES.index("sick")] = rng.choice((0, 1))
    fails = rng.random()
    names = rng.choices(NAMES, weights, k=count)
    return [(name, rng.randint(1, 5), rng.random() < (fails if name == "end" else 0.7)) for name in names]


def act(world: World, name: str, number: int, flag: bool) -> None:
    if name == "say":
        for _ in range(3):
            world.say(f"c{number}", flag)
    elif name == "read":
        world.read(number)
    elif name == "begin":
        for _ in range(number):
            world.begin()
    elif name == "end":
        for _ in range(number):
            world.end(flag)
    elif name == "save":
        world.save(flag)
    elif name == "sick":
        (world.sick.add if flag else world.sick.discard)(f"c{number}")
    elif name == "wait":
        world.now_s += number
    else:
        world.start()


@given(st.integers(0, 1 << 30), st.integers(1, 5), st.integers(1, 6), st.integers(500, 8000))
@settings(max_examples=400)
def test_everything_arrives_in_order_through_failures_and_crashes(
    seed: int, lanes: int, lane_entries: int, buffered: int
) -> None:
    world = World(seed, lanes, lane_entries, buffered)
    for name, number, flag in steps(world.rng, 150):
        act(world, name, number, flag)
        world.check_bounds()
    world.finish()


@given(st.integers(0, 1 << 30))
@settings(max_examples=100)
def test_one_sick_conversation_holds_up_nobody_else(seed: int) -> None:
    world = World(seed, lanes=10, lane_entries=4, buffered=4000)
    for name, number, flag in steps(world.rng, 100):
        if name not in ("sick", "crash"):
            act(world, name, number, flag and name != "end")
    for _ in range(10):
        world.say("sick", True)
    world.sick.add("sick")
    for _ in range(5000):
        world.read(50)
        if not (world.begin() or world.end(False)):
            if world.schedule.read_position == len(world.journal) and set(world.schedule._lanes) == {"sick"}:
                break
            wake = world.schedule.wake_at_s()
            assert wake is not None
            world.now_s = max(world.now_s, wake)
    for conversation in set(world.logs) - {"sick"}:
        wanted = [entry.seq for entry in world.logs[conversation] if entry.type == "text"]
        assert first_arrivals(world.arrived[conversation]) == wanted
    assert world.arrived["sick"] == []
    world.save(False)
    assert world.cursor == len(world.journal), "the cursor moves past the sick conversation"
    assert world.lanes == {"sick": 1}


def test_repeated_arrivals_after_a_crash_keep_the_order_of_what_is_new() -> None:
    world = World(1, lanes=10, lane_entries=4, buffered=4000)
    for _ in range(5):
        world.say("c", True)
    world.read(5)
    while world.begin() or world.end(False):
        pass
    assert world.arrived["c"] == [1, 2, 3, 4, 5]
    world.start()  # nothing was saved
    world.say("c", True)
    world.finish()
    assert world.arrived["c"] == [1, 2, 3, 4, 5, 1, 2, 3, 4, 5, 6]


def test_an_outage_is_probed_by_one_attempt_at_a_time_and_its_end_wakes_everyone() -> None:
    world = World(1, lanes=50, lane_entries=4, buffered=40_000)
    for number in range(20):
        world.say(f"c{number}", True)
    world.read(20)
    for _ in range(6):
        work = world.schedule.next_work(0.0)
        assert isinstance(work, Attempt)
        world.schedule.failed(work.conversation, 1000.0, quiet_until_s=10.0)
    assert world.schedule.outage
    assert world.schedule.next_work(9.9) is None
    assert world.schedule.wake_at_s() == 10.0
    probe = world.schedule.next_work(10.0)
    assert isinstance(probe, Attempt)
    assert world.schedule.next_work(10.0) is None
    world.schedule.delivered(probe.conversation, 10.0)
    others = set()
    while (work := world.schedule.next_work(10.0)) is not None:
        others.add(work.conversation)
    assert len(others) == 19, "those that failed need not wait until 1000"


def entry(seq: int) -> Entry:
    return Entry(seq, 0, "user/u", "text", b"", 0, 0)


def test_what_is_said_while_the_head_is_being_looked_up_is_fetched_too() -> None:
    schedule = Schedule(10, {"c": 3}, known_to=10)
    assert schedule.next_work(0.0) == Fetch("c", 3, 0)
    schedule.admit(11, "c", entry(6))  # the head was 5 when it was looked up
    schedule.passed(11)
    schedule.fetched("c", [entry(3), entry(4), entry(5)], 5, 5)
    for _ in range(3):
        assert isinstance(schedule.next_work(0.0), Attempt)
        schedule.delivered("c", 0.0)
    assert schedule.next_work(0.0) == Fetch("c", 6, 6)


def test_what_a_lane_fetched_by_itself_is_not_taken_in_again() -> None:
    schedule = Schedule(10, {"c": 3}, known_to=13)
    schedule.next_work(0.0)
    schedule.fetched("c", [entry(3), entry(4)], 4, 4)
    schedule.admit(11, "c", entry(4))
    for seq in (3, 4):
        work = schedule.next_work(0.0)
        assert isinstance(work, Attempt)
        assert work.entry.seq == seq
        schedule.delivered("c", 0.0)
    schedule.admit(12, "c", entry(4))
    assert schedule.next_work(0.0) is None
    schedule.admit(13, "c", entry(5))
    assert isinstance(schedule.next_work(0.0), Attempt)
