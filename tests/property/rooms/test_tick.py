"""A tick against what its policies promise: all is accounted for, nothing reliable is lost, samples are fair."""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import Any

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from trunkline.domain.rooms.budget import Budget
from trunkline.domain.rooms.counters import OVER_BUDGET, SUPERSEDED, TOO_MANY_KEYS, RoomCounters
from trunkline.domain.rooms.policy import Delivery, Priority, RoomMessageType, RoomTypes
from trunkline.domain.rooms.sampler import Sampler
from trunkline.domain.rooms.tick import Item, Tick

encode = msgspec.msgpack.encode
SAY = RoomMessageType("say", Delivery.RELIABLE)
CHAT = RoomMessageType("chat", Delivery.SAMPLE)
LOUD = RoomMessageType("loud", Delivery.SAMPLE, Priority.HIGH)
WHERE = RoomMessageType("where", Delivery.LATEST)


def added(earlier: Any, later: Any) -> Any:
    return {"count": earlier["count"] + later["count"]}


LIKE = RoomMessageType("like", Delivery.COALESCE, Priority.LOW, key=lambda sender, content: "", merge=added)
TYPES = {t.name: t for t in (SAY, CHAT, LOUD, WHERE, LIKE)}

Offer = tuple[str, str, float]
offers = st.tuples(
    st.sampled_from(sorted(TYPES)), st.sampled_from(["user/a", "user/b", "user/c"]), st.floats(0, 1, exclude_max=True)
)
closes = st.tuples(st.integers(0, 6), st.integers(0, 2_000))


@given(st.lists(offers | closes, max_size=80), st.integers(1, 8), st.integers(1, 3))
def test_every_message_is_sent_dropped_for_a_reason_or_waiting(
    steps: list[Offer | tuple[int, int]], samples: int, keys: int
) -> None:
    counts = RoomCounters()
    tick = Tick(counts, samples, keys)
    received: Counter[str] = Counter()
    sent: Counter[str] = Counter()
    likes_in = likes_out = seq = 0
    reliable: list[int] = []
    for number, step in enumerate(steps):
        if isinstance(step[0], str):
            name, sender, draw = step[0], str(step[1]), float(step[-1])
            type = TYPES[name]
            content = encode({"count": number})
            received[name] += 1
            if type.delivery is Delivery.RELIABLE:
                seq += 1
                tick.entry(Item(name, sender, number, content, seq=seq))
                continue
            dropped = counts.of(name).dropped.total()
            tick.offer(type, sender, content, msgspec.msgpack.decode(content), number, draw)
            if name == "like" and counts.of(name).dropped.total() == dropped:
                likes_in += number
            continue
        closed = tick.close(int(step[0]), int(step[1]))
        assert [i.order for i in closed.items] == sorted(i.order for i in closed.items)
        for item in closed.items:
            sent[item.type] += item.count
            if item.seq:
                reliable.append(item.seq)
            if item.type == "like":
                likes_out += msgspec.msgpack.decode(item.content)["count"]
        extra = [i for i in closed.items if not i.seq]
        assert len(extra) <= max(0, int(step[0]) - (len(closed.items) - len(extra)))
        assert sum(i.size_bytes for i in extra) <= int(step[1])
    rest = tick.close(10**6, 10**9)
    for item in rest.items:
        sent[item.type] += item.count
        if item.seq:
            reliable.append(item.seq)
        if item.type == "like":
            likes_out += msgspec.msgpack.decode(item.content)["count"]
    assert reliable == list(range(1, seq + 1))
    assert likes_out == likes_in
    assert tick.empty
    allowed = {
        "chat": {OVER_BUDGET},
        "loud": {OVER_BUDGET},
        "where": {SUPERSEDED, TOO_MANY_KEYS},
        "like": {TOO_MANY_KEYS},
    }
    for name in TYPES:
        dropped_by = counts.of(name).dropped
        assert received[name] == sent[name] + dropped_by.total()
        assert set(dropped_by) <= allowed.get(name, set())


@given(st.lists(st.sampled_from(["user/a", "user/b"]), max_size=30))
def test_of_latest_wins_the_last_of_each_key_goes(senders: list[str]) -> None:
    tick = Tick(RoomCounters(), 10, 10)
    last: dict[str, int] = {}
    for number, sender in enumerate(senders):
        content = encode({"n": number})
        tick.offer(WHERE, sender, content, {"n": number}, number, 0.5)
        last[sender] = number
    shown = {i.sender: msgspec.msgpack.decode(i.content)["n"] for i in tick.close(100, 10**6).items}
    assert shown == last


@given(
    st.lists(st.tuples(st.sampled_from("abcdef"), st.integers(0, 2), st.floats(0, 1, exclude_max=True)), max_size=60),
    st.integers(1, 20),
    st.integers(0, 20),
)
def test_a_sample_serves_priority_first_and_then_every_sender_before_anyone_again(
    arrivals: list[tuple[str, int, float]], capacity: int, budget: int
) -> None:
    sampler: Sampler[tuple[int, str, int]] = Sampler(capacity)
    places: Counter[str] = Counter()
    messages = []
    gone = []
    for sender, priority, draw in arrivals:
        places[sender] += 1
        message = (priority, sender, places[sender])
        messages.append(message)
        lost = sampler.offer(message, sender, priority, draw)
        if lost is not None:
            gone.append(lost)
    left = budget

    def fits(_: object) -> bool:
        nonlocal left
        left -= 1
        return left >= 0

    kept = []
    for priority in (2, 1, 0):
        taken, dropped = sampler.take(fits, priority)
        kept += taken
        gone += dropped
    assert Counter(kept) + Counter(gone) == Counter(messages)
    assert len(kept) == min(len(messages), capacity, budget)
    for priority, _, place in gone:
        assert all(p > priority or (p == priority and q <= place) for p, _, q in kept)


@given(st.lists(st.tuples(st.integers(0, 400), st.integers(0, 50), st.integers(0, 5_000)), max_size=40))
def test_what_is_spent_within_the_allowance_never_exceeds_rate_and_burst(steps: list[tuple[int, int, int]]) -> None:
    budget = Budget(100, 10_000, 500, 0)
    now_ms = spent = spent_bytes = 0
    for elapsed_ms, wanted, wanted_bytes in steps:
        now_ms += elapsed_ms
        messages, size = budget.left(now_ms)
        take, take_bytes = min(wanted, messages), min(wanted_bytes, size)
        budget.spend(take, take_bytes)
        spent += take
        spent_bytes += take_bytes
        assert spent <= 50 + 100 * now_ms / 1000
        assert spent_bytes <= 5_000 + 10_000 * now_ms / 1000


def test_a_flood_of_reliable_messages_silences_a_room_for_one_burst_at_most() -> None:
    budget = Budget(100, 10_000, 500, 0)
    budget.spend(1_000_000, 1_000_000_000)
    assert budget.left(0) == (0, 0)
    assert budget.left(1_000) == (50, 5_000)


def test_types_are_checked_when_they_are_registered() -> None:
    known = RoomTypes([SAY, CHAT])
    assert known.get("say") is SAY
    assert known.get("like") is None
    assert known.names() == ["chat", "say"]
    for wrong in ([SAY, SAY], [RoomMessageType("x", Delivery.SAMPLE, order_id=lambda content: "")]):
        try:
            RoomTypes(wrong)
        except ValueError:
            continue
        raise AssertionError("it was accepted")


def test_draws_decide_among_equals() -> None:
    won: defaultdict[str, int] = defaultdict(int)
    for first, second in ((0.1, 0.9), (0.9, 0.1)):
        sampler: Sampler[str] = Sampler(1)
        sampler.offer("a", "user/a", 1, first)
        sampler.offer("b", "user/b", 1, second)
        taken, _ = sampler.take(lambda _: True, 1)
        won[taken[0]] += 1
    assert won == {"a": 1, "b": 1}


def test_a_merge_that_cannot_be_encoded_is_counted_and_keeps_nothing_else_back() -> None:
    broken = RoomMessageType("broken", Delivery.COALESCE, merge=lambda earlier, later: object())
    counts = RoomCounters()
    tick = Tick(counts, 10, 10)
    for _ in range(3):
        tick.offer(broken, "user/a", encode({}), {}, 0, 0.5)
    tick.entry(Item("say", "user/a", 0, encode({}), seq=1))
    assert [item.seq for item in tick.close(100, 10**6).items] == [1]
    assert counts.of("broken").dropped == {"unmergeable": 3}
    assert tick.empty
