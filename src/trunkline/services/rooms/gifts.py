"""Totals of gifts in a room: exact, because they are counted with the log and wait for it.

Not here: counting (the index), combos (``protocol.rooms.gifts``).
"""

from __future__ import annotations

from trunkline.domain.identity import Caller
from trunkline.domain.rooms import rules
from trunkline.domain.rooms.roles import Role
from trunkline.domain.rooms.settings import KIND
from trunkline.services.rooms.directory import RoomDirectory
from trunkline.services.rooms.joining import Joining
from trunkline.services.rooms.ports import GiftIndex, Given
from trunkline.wire.calls.room_gifts import RoomGifts, RoomGiftsGet, RoomGiver


class GiftCounts:
    """Answers who gave how much.

    Args:
        directory: the rooms.
        joining: who is in them.
        index: the totals.
    """

    def __init__(self, directory: RoomDirectory, joining: Joining, index: GiftIndex) -> None:
        self._directory = directory
        self._engine = directory.engine
        self._joining = joining
        self._index = index

    async def get(self, caller: Caller, request: RoomGiftsGet) -> RoomGifts:
        """Totals of everything that was given before the call.

        Raises:
            TrunklineError: ``NOT_FOUND``, ``FORBIDDEN`` (not a room), ``DISMISSED`` or ``NOT_MEMBER``.
        """
        engine = self._engine
        if caller.server:
            _, state = await engine.existing(caller.app, request.conversation)
            if state.kind != KIND:
                rules.check_room(state)
        else:
            live, _ = await self._directory.get(caller.app, request.conversation)
            if live.named(caller.party).role < Role.MODERATOR:
                self._joining.check_in(live, caller)
        await engine.projected(engine.committed_lsn)
        found = await self._index.totals(caller.app, request.conversation, caller.party, request.limit)
        return RoomGifts(
            request.conversation,
            found.seq,
            found.everybody.count,
            found.everybody.amount,
            found.givers,
            [_shown(given) for given in found.top],
            _shown(found.one) if found.one is not None else None,
        )


def _shown(given: Given) -> RoomGiver:
    return RoomGiver(given.party, given.count, given.amount)
