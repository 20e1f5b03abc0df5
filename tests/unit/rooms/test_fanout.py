"""The fan-out of a room goes on, whatever a connection does, and its counts stay true."""

from __future__ import annotations

from collections.abc import Callable

import msgspec
import pytest

from trunkline.base.errors import Code
from trunkline.domain.conversation.state import Conversation
from trunkline.domain.log.records import Entry
from trunkline.domain.rooms.policy import RoomTypes
from trunkline.services.log.residents import ResidentConversation
from trunkline.services.rooms.fanout import Fanout
from trunkline.services.rooms.limits import RoomLimits
from trunkline.services.rooms.live import LiveRoom
from trunkline.services.sessions.outgoing import Outgoing

encode = msgspec.msgpack.encode


class Loop:
    """A loop whose time the test turns."""

    def __init__(self) -> None:
        self.now_s = 100.0
        self.due: list[tuple[float, Callable[[], None]]] = []

    def call_soon(self, callback: Callable[[], None]) -> None:
        self.call_later(0, callback)

    def call_later(self, delay: float, callback: Callable[[], None]) -> None:
        self.due.append((self.now_s + delay, callback))

    def time(self) -> float:
        return self.now_s

    def now_ms(self) -> int:
        return int(self.now_s * 1000)

    def monotonic_s(self) -> float:
        return self.now_s

    def step(self) -> None:
        """What is due next, at its time."""
        first = min(self.due, key=lambda due: due[0])
        self.due.remove(first)
        self.now_s = max(self.now_s, first[0])
        first[1]()

    def turn(self) -> None:
        """Everything that is due, and what that makes due."""
        for _ in range(1000):
            if not self.due:
                return
            self.step()
        raise AssertionError("it never ends")


class Connection:
    """A session that keeps what it was sent."""

    app, party, device, key, expires_at_s = "a", "user/x", "d", "k", 0

    def __init__(self, unsent: int = 0, *, broken: bool = False) -> None:
        self.unsent = unsent
        self.broken = broken
        self.seqs: list[tuple[int, int, list[int]]] = []

    def push(self, outgoing: Outgoing) -> None:
        if self.broken:
            raise OSError("broken")
        batch = msgspec.msgpack.decode(
            outgoing.msgpack()[4:] if outgoing.msgpack()[1] == 126 else outgoing.msgpack()[2:]
        )[2]
        self.seqs.append((batch["prev"], batch["seq"], [item[4] for item in batch.get("items", [])]))

    def unsent_bytes(self) -> int:
        return self.unsent

    def flush(self) -> None:
        pass

    def close(self, code: Code, detail: str = "") -> None:
        pass

    def sweep(self, now_s: float) -> None:
        pass


def made(loop: Loop) -> LiveRoom:
    resident = ResidentConversation("a", "r1")
    state = Conversation("a", "r1", 7)
    content = {"kind": "room", "members": [], "owner": "user/host", "types": {"x.say": {"delivery": "reliable"}}}
    state.apply(Entry(1, 1, "user/host", "conversation.created", encode(content), 0, 0))
    resident.state, resident.committed = state, 1
    return LiveRoom(resident, RoomTypes([]), RoomLimits(), loop.now_ms())


def join(fanout: Fanout, live: LiveRoom, connections: list[Connection]) -> None:
    for number, connection in enumerate(connections):
        live.members.join(f"user/u{number}", connection, 0, 0)
        fanout.enter(live, connection)


def say(live: LiveRoom, seq: int) -> None:
    live.entry(Entry(seq, 1, "user/host", "x.say", encode({}), 0, 0))


def test_a_connection_that_fails_keeps_nobody_else_from_hearing() -> None:
    loop = Loop()
    fanout = Fanout(loop, loop)
    live = made(loop)
    connections = [Connection(broken=number == 0) for number in range(live.limits.turn + 50)]
    join(fanout, live, connections)
    for seq in (2, 3):
        say(live, seq)
        fanout.touch(live)
        loop.turn()
    assert all(connection.seqs == [(1, 2, [2]), (2, 3, [3])] for connection in connections[1:])
    counts = live.counters.of("x.say")
    assert (counts.delivered, dict(counts.missed)) == (2 * len(connections) - 2, {"slow_reader": 2})
    assert live.audience.reached == live.audience.end
    assert not live.scheduled


def test_a_batch_that_cannot_be_made_puts_nobody_out(monkeypatch: pytest.MonkeyPatch) -> None:
    loop = Loop()
    fanout = Fanout(loop, loop)
    live = made(loop)
    connections = [Connection(), Connection()]
    join(fanout, live, connections)
    say(live, 2)
    fanout.touch(live)
    with monkeypatch.context() as patch:
        patch.setattr("trunkline.services.rooms.fanout.frames", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            loop.turn()
    say(live, 3)
    fanout.touch(live)
    loop.turn()
    assert [connection.seqs for connection in connections] == [[(2, 3, [3])]] * 2


def test_the_slow_get_no_samples_the_very_slow_nothing_until_they_are_shown_the_gap() -> None:
    loop = Loop()
    fanout = Fanout(loop, loop)
    live = made(loop)
    limits = live.limits
    good, slow, stuck = Connection(), Connection(limits.slow_bytes + 1), Connection(limits.skip_bytes + 1)
    join(fanout, live, [good, slow, stuck])
    say(live, 2)
    fanout.touch(live)
    loop.turn()
    assert good.seqs == slow.seqs == [(1, 2, [2])]
    assert stuck.seqs == []
    assert dict(live.counters.of("x.say").missed) == {"slow_reader": 1}
    fanout.tell_behind(live)
    assert stuck.seqs == []
    stuck.unsent = 0
    fanout.tell_behind(live)
    assert stuck.seqs == [(2, 2, [])]
    assert not live.behind


def test_what_comes_while_a_round_is_under_way_reaches_those_who_are_still_to_come_in_it() -> None:
    loop = Loop()
    fanout = Fanout(loop, loop)
    live = made(loop)
    connections = [Connection() for _ in range(3 * live.limits.turn)]
    join(fanout, live, connections)
    first, second, third = (connections[i * live.limits.turn] for i in range(3))
    say(live, 2)
    fanout.touch(live)
    loop.step()
    assert (first.seqs, second.seqs, third.seqs) == ([(1, 2, [2])], [], [])
    say(live, 3)
    fanout.touch(live)
    loop.step()
    assert (first.seqs, second.seqs, third.seqs) == ([(1, 2, [2])], [(1, 3, [2, 3])], [])
    loop.turn()
    assert (first.seqs, third.seqs) == ([(1, 2, [2]), (2, 3, [3])], [(1, 3, [2, 3])])
    assert live.counters.of("x.say").delivered == 2 * len(connections)


def test_who_leaves_before_its_turn_counts_as_having_missed_what_there_was() -> None:
    loop = Loop()
    fanout = Fanout(loop, loop)
    live = made(loop)
    connections = [Connection() for _ in range(2 * live.limits.turn)]
    join(fanout, live, connections)
    say(live, 2)
    fanout.touch(live)
    loop.step()
    live.members.leave("user/u0")
    live.audience.leave(connections[0])
    live.members.leave(f"user/u{len(connections) - 1}")
    live.audience.leave(connections[-1])
    say(live, 3)
    fanout.touch(live)
    loop.turn()
    counts = live.counters.of("x.say")
    assert (connections[0].seqs, connections[-1].seqs) == ([(1, 2, [2])], [])
    assert dict(counts.missed) == {"left": 1}
    assert counts.delivered == 2 * (len(connections) - 2) + 1
