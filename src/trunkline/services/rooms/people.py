"""Who somebody is in a room, in the words of other conversations: for features that work in all of them, such as cards.

Not here: roles and rules of rooms (``domain.rooms``).
"""

from __future__ import annotations

from trunkline.base.errors import Code, TrunklineError
from trunkline.domain.conversation.state import ADMIN, OWNER, Member
from trunkline.domain.identity import SYSTEM_PARTY, Caller
from trunkline.domain.limits import Rate
from trunkline.domain.rooms.roles import Role
from trunkline.services.rooms.directory import RoomDirectory


class PeopleOfRooms:
    """Looks at who is in a room now."""

    def __init__(self, directory: RoomDirectory) -> None:
        self._directory = directory

    async def reader(self, caller: Caller, conversation: str) -> Member | None:
        """The caller in a room; None for an app server as itself.

        Raises:
            TrunklineError: ``NOT_FOUND``, ``DISMISSED`` or ``NOT_MEMBER``.
        """
        live, _ = await self._directory.get(caller.app, conversation)
        if caller.server and caller.party == SYSTEM_PARTY:
            return None
        if caller.party not in live.members.stays and not caller.server:
            raise TrunklineError(Code.NOT_MEMBER, f"{caller.party} is not in the room", field="conversation")
        role = live.named(caller.party).role
        return Member(OWNER if role is Role.HOST else ADMIN if role >= Role.MODERATOR else "member", 1, 0)

    async def actor(self, caller: Caller, conversation: str) -> Member | None:
        """The caller, if it may do something that everybody in the room will be told of.

        Raises:
            TrunklineError: besides, ``MUTED`` or ``ROOM_OVERLOADED``.
        """
        member = await self.reader(caller, conversation)
        if caller.server:
            return member
        live, _ = await self._directory.get(caller.app, conversation)
        clock = self._directory.engine.clock
        muted_until_ms = live.named(caller.party).muted_until_ms
        if muted_until_ms > clock.now_ms():
            raise TrunklineError(Code.MUTED, f"muted until {muted_until_ms}")
        rate = live.settings.reliable_per_s
        verdict = live.reliable.take(Rate(rate, rate), clock.monotonic_s())
        if not verdict.allowed:
            raise TrunklineError(
                Code.ROOM_OVERLOADED,
                f"the room takes {rate} reliable messages and actions a second",
                retry_ms=int(verdict.retry_after_s * 1000) + 1,
            )
        return member
