"""What the participants of a session are told of one another: at once, or a few times a second.

In a session of n, everybody who comes, changes or goes is a message to n - 1 others; an audience of ten thousand that
comes at a hundred a second would be a million messages a second. So in a large session only those who can be heard or
seen are told of at once. Of the others, the newest state of each is kept, and goes to everybody as one message.

Not here: what the message looks like (``edges/livekit``), who is in a session (``roster``).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Protocol

from trunkline.domain.live import LiveSession, Participant, State
from trunkline.services.live.ports import Signalling

LARGE = 100
"""Members from which a session is large."""
EVERY_S = 0.5
"""Least time between two such messages; ten times as long in a session of ten thousand and more."""
SLOWER_FROM = 1_000


class Listener(Protocol):
    """Who is told."""

    session: LiveSession
    participant: Participant
    signalling: Signalling | None

    def on_gone(self, gone: Sequence[Participant]) -> None:
        """Others left; kept for somebody who is away."""
        ...


class Members(Protocol):
    """Who is there (``roster``)."""

    def members(self, session: LiveSession) -> Sequence[Listener]:
        """The members of a session."""
        ...

    def member(self, session: LiveSession, identity: str) -> Listener | None:
        """One member."""
        ...


class Announcements:
    """Tells the members of sessions of one another.

    Args:
        roster: the members.
    """

    def __init__(self, roster: Members) -> None:
        self._roster = roster
        self._waiting: dict[str, dict[str, Participant]] = {}
        self._due_s: dict[str, float] = {}

    def tell(
        self, session: LiveSession, participant: Participant, *, but: Listener | None = None, at_once: bool = False
    ) -> None:
        """A participant came, changed or left; everybody, except one, is to know it as it is now.

        Only others wait: a participant hears of itself at once. ``at_once``: others do as well.
        """
        members = self._roster.members(session)
        waiting = self._waiting.get(session.sid, {})
        if at_once or participant.tracks or len(members) <= LARGE:
            # Who had this identity before has to be gone by then.
            older = [waiting.pop(p.sid) for p in tuple(waiting.values()) if p.identity == participant.identity]
            ended = [p for p in older if p.sid != participant.sid]
            self._pass_on(members, [*ended, participant], but)
            return
        self._waiting.setdefault(session.sid, waiting)[participant.sid] = participant
        if but is None and (oneself := self._roster.member(session, participant.identity)) is not None:
            self._pass_on([oneself], [participant], None)

    def flush(self, sessions: Iterable[LiveSession], now_s: float) -> None:
        """Tell what has waited long enough; to be called several times a second."""
        if not self._waiting:
            return
        found = {session.sid: session for session in sessions if session.sid in self._waiting}
        for sid in [sid for sid in self._waiting if sid not in found]:
            del self._waiting[sid]
            self._due_s.pop(sid, None)
        for sid, session in found.items():
            if now_s < self._due_s.get(sid, 0.0):
                continue
            waiting = list(self._waiting.pop(sid).values())
            if waiting:
                members = self._roster.members(session)
                self._due_s[sid] = now_s + EVERY_S * min(10.0, max(1.0, len(members) / SLOWER_FROM))
                self._pass_on(members, waiting, None)

    @staticmethod
    def _pass_on(members: Sequence[Listener], participants: list[Participant], but: Listener | None) -> None:
        gone = [participant for participant in participants if participant.state is State.DISCONNECTED]
        for member in members:
            if member is but:
                continue
            if member.signalling is not None:
                member.signalling.on_participants(participants)
            elif gone:
                member.on_gone(gone)
