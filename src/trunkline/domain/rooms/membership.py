"""Who is in a room now: parties and the connections they are in it with. Nothing of it is stored.

A party whose last connection breaks is *away* for a grace period and still counts as a member; coming back in that
time resumes its stay without a leave and a join. Leaving, a kick and the end of the grace period end the stay.

Not here: who may come in (``rules``), what they are told (services).
"""

from __future__ import annotations

import heapq
from collections import OrderedDict
from typing import Generic, NamedTuple, TypeVar

from trunkline.base.errors import Code, TrunklineError

S = TypeVar("S")


class Joined(NamedTuple):
    """What a join came to."""

    first: bool
    """The party was not a member before."""
    resumed: bool
    """It was away and came back in time."""


class Stay(Generic[S]):
    """One party's stay.

    Attributes:
        connections: with which it is in the room; none while it is away.
        spoke_at_ms: when it last said something, for slow mode; -1 = never.
    """

    __slots__ = ("connections", "joined_at_ms", "spoke_at_ms")

    def __init__(self, joined_at_ms: int) -> None:
        self.connections: dict[S, None] = {}
        self.joined_at_ms = joined_at_ms
        self.spoke_at_ms = -1


class Membership(Generic[S]):
    """The members of one room.

    Args:
        grace_ms: how long a party may be away.
    """

    def __init__(self, grace_ms: int) -> None:
        self._grace_ms = grace_ms
        self.stays: dict[str, Stay[S]] = {}
        self.connections: dict[S, str] = {}
        """Connection -> party, in the order of joining: whom a batch goes to."""
        self._away: OrderedDict[str, int] = OrderedDict()
        """Party -> when its grace period ends, ascending."""
        self._refused: OrderedDict[str, int] = OrderedDict()
        """Kicked party -> until when it may not come back."""
        self.peak = 0

    @property
    def online(self) -> int:
        """Members, those who are away included."""
        return len(self.stays)

    def join(self, party: str, connection: S, now_ms: int, capacity: int) -> Joined:
        """A connection of a party comes in; again is harmless.

        Raises:
            TrunklineError: ``ROOM_FULL``, or ``BANNED`` for a while after a kick.
        """
        until_ms = self._refused.get(party, 0)
        if until_ms > now_ms:
            raise TrunklineError(Code.BANNED, f"{party} was kicked and may come back later", retry_ms=until_ms - now_ms)
        stay = self.stays.get(party)
        if stay is None:
            if capacity and len(self.stays) >= capacity:
                raise TrunklineError(Code.ROOM_FULL, f"the room has its {capacity} members")
            stay = self.stays[party] = Stay(now_ms)
            self.peak = max(self.peak, len(self.stays))
            joined = Joined(True, False)
        else:
            joined = Joined(False, self._away.pop(party, None) is not None)
        stay.connections[connection] = None
        self.connections[connection] = party
        return joined

    def leave(self, party: str) -> list[S]:
        """A party leaves with all its connections; which those were. Empty for one who was away."""
        stay = self.stays.pop(party, None)
        if stay is None:
            return []
        self._away.pop(party, None)
        for connection in stay.connections:
            del self.connections[connection]
        return list(stay.connections)

    def kick(self, party: str, until_ms: int) -> list[S]:
        """A party is removed and may not come back before ``until_ms``; its connections."""
        self._refused[party] = until_ms
        return self.leave(party)

    def disconnect(self, connection: S, now_ms: int) -> bool:
        """A connection broke; True when its party is away from now on."""
        party = self.connections.pop(connection, None)
        if party is None:
            return False
        stay = self.stays[party]
        del stay.connections[connection]
        if stay.connections:
            return False
        self._away[party] = now_ms + self._grace_ms
        return True

    def expire(self, now_ms: int) -> list[str]:
        """End the stays of those who were away for too long, and forget kicks that have ended; who left."""
        left = []
        while self._away:
            party, until_ms = next(iter(self._away.items()))
            if until_ms > now_ms:
                break
            del self._away[party]
            del self.stays[party]
            left.append(party)
        for party in [party for party, until_ms in self._refused.items() if until_ms <= now_ms]:
            del self._refused[party]
        return left

    def page(self, after: str, limit: int) -> list[str]:
        """Members by name, after one."""
        return heapq.nsmallest(limit, (party for party in self.stays if party > after))
