"""Whom cards in a live room ask about people: nobody is a member of a room's log.

Not here: the answer (``services.rooms.people``).
"""

from __future__ import annotations

from typing import Protocol

from trunkline.domain.conversation.state import Conversation, Member
from trunkline.domain.identity import Caller
from trunkline.services.messages.send import Sender
from trunkline.wire.calls.messages import MessageSend

ROOM = "room"


class RoomPeople(Protocol):
    """Knows who is in a live room."""

    async def reader(self, caller: Caller, conversation: str) -> Member | None:
        """The caller in a room, with a role; None for an app server as itself.

        Raises:
            TrunklineError: it is not in the room, or there is no such room.
        """
        ...

    async def actor(self, caller: Caller, conversation: str) -> Member | None:
        """Like ``reader``, for someone who is about to do something that everybody there will be told of.

        Raises:
            TrunklineError: besides, it is muted, or the room takes no more now.
        """
        ...


class CardSender(Sender):
    """Sends cards as messages are sent; that someone may put one up in a room was found out before."""

    def _may_speak(self, caller: Caller, request: MessageSend, state: Conversation) -> bool:
        return state.kind == ROOM or super()._may_speak(caller, request, state)
