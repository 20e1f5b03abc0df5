"""Who has what standing in a conversation's live session, for every kind of conversation.

Loading a conversation may take a look into storage; asking for many parties of a loaded one does not.
"""

from __future__ import annotations

from collections.abc import Callable

from trunkline.base.errors import Code, TrunklineError
from trunkline.domain.communities.structure import CHANNEL
from trunkline.domain.conversation.state import Conversation
from trunkline.domain.live.membership import Standing, is_bound, standing, standing_in_channel, standing_in_room
from trunkline.domain.rooms.settings import KIND as ROOM
from trunkline.services.communities.members import ChannelMembers
from trunkline.services.log.engine import Engine
from trunkline.services.rooms.directory import RoomDirectory

Ask = Callable[[str], Standing | None]
"""A party's standing now; None: it has no place."""


def nobody(_party: str) -> None:
    """Nobody has a place."""


class Standings:
    """Asks whoever knows.

    Args:
        engine: conversations and the time.
        rooms: who is in which live room.
        channels: who may do what in which channel.
    """

    def __init__(self, engine: Engine, rooms: RoomDirectory, channels: ChannelMembers) -> None:
        self._engine = engine
        self._rooms = rooms
        self._channels = channels

    async def load(self, app: str, conversation: str) -> Ask | None:
        """Standings in a conversation; None without one: its session is the app server's own business."""
        state = (await self._engine.conversation(app, conversation)).state
        if state is None or not is_bound(state):
            return None
        return await self.of(state)

    async def of(self, state: Conversation) -> Ask:
        """Standings in a conversation of a kind that has live sessions."""
        clock = self._engine.clock
        if state.dismissed:
            return nobody
        if state.kind == ROOM:
            return lambda party: self._in_room(state, party)
        if state.kind == CHANNEL:
            try:
                community = await self._channels.community_of(state)
            except TrunklineError as error:
                if error.code is not Code.NOT_FOUND:
                    raise
                return nobody
            if community.dismissed:
                return nobody
            rights = self._channels.rights(community)
            return lambda party: standing_in_channel(
                community.member(party), rights.of(party, state.id), clock.now_ms()
            )
        return lambda party: standing(state, party, clock.now_ms())

    def _in_room(self, state: Conversation, party: str) -> Standing | None:
        live = self._rooms.rooms.get((state.app, state.id))
        if live is None or party not in live.members.stays:
            return None
        return standing_in_room(live.named(party), self._engine.clock.now_ms())
