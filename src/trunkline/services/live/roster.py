"""The members of all live sessions: found by session and identity.

Not here: what members do.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Generic, Protocol, TypeVar

from trunkline.domain.live import LiveSession, Participant


class _Member(Protocol):
    session: LiveSession
    participant: Participant


M = TypeVar("M", bound=_Member)


class Roster(Generic[M]):
    """Members by session and identity.

    Args:
        new_sid: makes an id from a prefix.
        now_ms: the time.
    """

    def __init__(self, new_sid: Callable[[str], str], now_ms: Callable[[], int]) -> None:
        self.new_sid = new_sid
        self._now_ms = now_ms
        self._members: dict[str, dict[str, M]] = {}

    def enter(self, member: M) -> M | None:
        """Add a member; the one of the same identity it takes the place of."""
        members = self._members.setdefault(member.session.sid, {})
        before = members.pop(member.participant.identity, None)
        members[member.participant.identity] = member
        return before

    def leave(self, member: M) -> bool:
        """Remove a member; False when another took its place."""
        members = self._members.get(member.session.sid, {})
        if members.get(member.participant.identity) is member:
            del members[member.participant.identity]
            if not members:
                self._members.pop(member.session.sid, None)
        return member.session.leave(member.participant, self._now_ms())

    def members(self, session: LiveSession) -> list[M]:
        """The members of a session."""
        return list(self._members.get(session.sid, {}).values())

    def member(self, session: LiveSession, identity: str) -> M | None:
        """One member."""
        return self._members.get(session.sid, {}).get(identity)
