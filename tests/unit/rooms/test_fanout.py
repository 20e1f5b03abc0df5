"""The fan-out of a room goes on, whatever a connection does, and its counts stay true."""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from trunkline.base.errors import Code
from trunkline.domain.conversation.state import Conversation
from trunkline.domain.log.records import Entry
from trunkline.domain.rooms.policy import RoomTypes
from trunkline.services.log.residents import ResidentConversation
from trunkline.services.rooms.fanout import SLICE, Fanout
from trunkline.services.rooms.limits import RoomLimits
from trunkline.services.rooms.live import LiveRoom
from trunkline.services.sessions.outgoing import Outgoing

encode = msgspec.msgpack.encode


class Loop:
    """A loop whose time the test turns."""

    def __init__(self) -> None:
        self.now_s = 100.0
        self.due: list[Callable[[], None]] = []

    def call_soon(self, callback: Callable[[], None]) -> None:
        self.due.append(callback)

    def call_later(self, delay: float, callback: Callable[[], None]) -> None:
        self.due.append(callback)

    def time(self) -> float:
        return self.now_s

    def now_ms(self) -> int:
        return int(self.now_s * 1000)

    def monotonic_s(self) -> float:
        return self.now_s

    def turn(self) -> None:
        """Everything that is due, and what that makes due."""
        for _ in range(1000):
            if not self.due:
                return
            self.due.pop(0)()
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


def say(live: LiveRoom, seq: int) -> None:
    live.entry(Entry(seq, 1, "user/host", "x.say", encode({}), 0, 0))


def test_a_connection_that_fails_keeps_nobody_else_from_hearing() -> None:
    loop = Loop()
    fanout = Fanout(loop, loop)
    live = made(loop)
    connections = [Connection(broken=number == 0) for number in range(SLICE + 50)]
    for number, connection in enumerate(connections):
        live.members.join(f"user/u{number}", connection, 0, 0)
    for seq in (2, 3):
        say(live, seq)
        fanout.touch(live)
        loop.turn()
    assert all(connection.seqs == [(1, 2, [2]), (2, 3, [3])] for connection in connections[1:])
    counts = live.counters.of("x.say")
    assert (counts.delivered, dict(counts.missed)) == (2 * len(connections) - 2, {"slow_reader": 2})
    assert not live.sending
    assert not live.scheduled


def test_the_slow_get_no_samples_the_very_slow_nothing_until_they_are_shown_the_gap() -> None:
    loop = Loop()
    fanout = Fanout(loop, loop)
    live = made(loop)
    limits = live.limits
    good, slow, stuck = Connection(), Connection(limits.slow_bytes + 1), Connection(limits.skip_bytes + 1)
    for number, connection in enumerate((good, slow, stuck)):
        live.members.join(f"user/u{number}", connection, 0, 0)
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
