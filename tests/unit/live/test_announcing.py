"""Who is told of whom, and when: in a large session an audience is told of together, those who publish at once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

import pytest

from trunkline.domain.live import LiveSession, Participant, Permission, RoomSettings, State, Track
from trunkline.services.live.announcing import EVERY_S, LARGE, Announcements
from trunkline.services.live.ports import Signalling, disconnected


class Ear:
    """A client that notes what it is told: identity and state, message by message."""

    def __init__(self) -> None:
        self.messages: list[list[tuple[str, str, State]]] = []

    def on_participants(self, participants: Sequence[Participant]) -> None:
        self.messages.append([(p.identity, p.sid, p.state) for p in participants])


class Somebody:
    def __init__(self, session: LiveSession, participant: Participant, ear: Ear | None) -> None:
        self.session = session
        self.participant = participant
        self.signalling = cast(Signalling | None, ear)
        self.missed: list[str] = []

    def on_gone(self, gone: Sequence[Participant]) -> None:
        self.missed += [p.identity for p in gone]


class World:
    """A session of some size, in which everybody listens."""

    def __init__(self, size: int) -> None:
        self.session = LiveSession("a", "RM_1", "room", 0, RoomSettings(), left_at_ms=0)
        self.people: dict[str, Somebody] = {}
        self.announcements = Announcements(self)
        for number in range(size):
            self.add(f"u{number}")

    def add(self, identity: str, sid: str = "", ear: Ear | None = None) -> Somebody:
        participant = Participant(sid or f"PA_{identity}", identity, "", Permission(), 0)
        self.people[identity] = Somebody(self.session, participant, ear or Ear())
        return self.people[identity]

    def members(self, session: LiveSession) -> list[Somebody]:
        return list(self.people.values())

    def member(self, session: LiveSession, identity: str) -> Somebody | None:
        return self.people.get(identity)

    def heard(self, identity: str) -> list[list[tuple[str, str, State]]]:
        return cast(Ear, self.people[identity].signalling).messages

    def join(self, identity: str, sid: str = "") -> Somebody:
        somebody = self.add(identity, sid)
        self.announcements.tell(self.session, somebody.participant, but=somebody)
        return somebody

    def leave(self, identity: str) -> None:
        somebody = self.people.pop(identity)
        self.announcements.tell(self.session, disconnected(somebody.participant))

    def flush(self, now_s: float) -> None:
        self.announcements.flush([self.session], now_s)


def publishes(somebody: Somebody) -> None:
    somebody.participant.tracks["TR_1"] = cast(Track, cast(Any, object()))


def test_in_a_small_session_everybody_is_told_at_once() -> None:
    world = World(LARGE - 1)
    came = world.join("new")
    assert world.heard("u0") == [[("new", "PA_new", State.JOINING)]]
    assert world.heard("new") == []
    came.participant.state = State.ACTIVE
    world.announcements.tell(world.session, came.participant)
    world.leave("new")
    assert [message[0][2] for message in world.heard("u0")] == [State.JOINING, State.ACTIVE, State.DISCONNECTED]


def test_in_a_large_session_an_audience_is_one_message_for_each_with_the_newest_state() -> None:
    world = World(LARGE)
    for number in range(50):
        world.join(f"new{number}").participant.state = State.ACTIVE
    world.leave("new7")
    assert world.heard("u0") == []
    world.flush(1.0)
    (message,) = world.heard("u0")
    assert [identity for identity, _, _ in message] == [f"new{number}" for number in range(50)]
    assert [identity for identity, _, state in message if state is State.DISCONNECTED] == ["new7"]
    world.join("late")
    world.flush(1.0 + EVERY_S / 2)
    assert len(world.heard("u0")) == 1
    world.flush(1.0 + EVERY_S)
    assert world.heard("u0")[1:] == [[("late", "PA_late", State.JOINING)]]


def test_who_publishes_is_told_of_at_once_and_not_again() -> None:
    world = World(LARGE)
    singer = world.join("singer")
    publishes(singer)
    world.announcements.tell(world.session, singer.participant)
    assert [message[0][0] for message in world.heard("u0")] == ["singer"]
    singer.participant.tracks.clear()
    world.announcements.tell(world.session, singer.participant, at_once=True)
    world.flush(1.0)
    assert len(world.heard("u0")) == 2


def test_a_participant_hears_of_itself_at_once() -> None:
    world = World(LARGE + 1)
    world.announcements.tell(world.session, world.people["u3"].participant)
    assert (len(world.heard("u3")), len(world.heard("u0"))) == (1, 0)
    world.flush(1.0)
    assert len(world.heard("u0")) == 1


@pytest.mark.parametrize("publishing", [False, True])
def test_who_comes_again_is_told_of_after_the_end_of_before(publishing: bool) -> None:
    world = World(LARGE + 1)
    world.join("ann", "PA_1")
    world.leave("ann")
    again = world.add("ann", "PA_2")
    if publishing:
        publishes(again)
    world.announcements.tell(world.session, again.participant, but=again)
    world.flush(1.0)
    told = [one for message in world.heard("u0") for one in message]
    assert told == [("ann", "PA_1", State.DISCONNECTED), ("ann", "PA_2", State.JOINING)]


def test_who_is_away_keeps_those_who_left_and_a_session_that_ended_keeps_nothing() -> None:
    world = World(LARGE + 5)
    away = world.people["u1"]
    away.signalling = None
    world.leave("u2")
    world.join("new")
    world.flush(1.0)
    assert away.missed == ["u2"]
    world.leave("u3")
    world.announcements.flush([], 2.0)
    world.flush(3.0)
    assert away.missed == ["u2"]
