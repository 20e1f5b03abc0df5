"""Who reads a broadcast conversation: computed from tags when asked, never written.

What costs nothing: an app without broadcasts, and a party whose position is beyond the last broadcast of its app. Not
here: sending and pushing (``broadcasts``).
"""

from __future__ import annotations

from collections.abc import Iterable

from trunkline.base.errors import Code, TrunklineError
from trunkline.domain.broadcasts.recipient import KIND, WINDOW, Recipient
from trunkline.domain.conversation.state import Conversation, Member
from trunkline.domain.conversation.unread import Unread
from trunkline.domain.identity import Caller
from trunkline.services.broadcasts.ports import BroadcastIndex, Place
from trunkline.services.log.engine import Engine
from trunkline.services.log.residents import ResidentConversation
from trunkline.services.membership import Changed


class BroadcastMembers:
    """Implements ``VirtualMembers``.

    Args:
        engine: the log.
        index: broadcasts and tags.
        places: all broadcast conversations.
    """

    def __init__(self, engine: Engine, index: BroadcastIndex, places: list[Place]) -> None:
        self._engine = engine
        self._index = index
        self._changed: dict[str, dict[str, int]] = {}
        """By app and conversation, a position at or after its last change."""
        for place in places:
            self.touch(*place)
        engine.virtual.kinds[KIND] = self

    def touch(self, app: str, conversation: str) -> None:
        """Something became durable in a broadcast conversation."""
        self._changed.setdefault(app, {})[conversation] = self._engine.committed_lsn

    async def member(self, resident: ResidentConversation, state: Conversation, party: str) -> Recipient | None:
        """The party as a reader; None when no broadcast was for it."""
        known_to = resident.committed
        await self._engine.projected(self._engine.committed_lsn)
        sent = await self._index.sent_to(resident.app, resident.id, party, WINDOW)
        recipient = Recipient(sent, known_to, state.members.get(party))
        return recipient if recipient.seen else None

    async def unread(self, resident: ResidentConversation, state: Conversation, party: str, member: Member) -> Unread:
        """What is unread for a member."""
        if not isinstance(member, Recipient):
            raise TypeError("not a member of a broadcast")
        return member.unread(state)

    def check_may_send(self, state: Conversation, caller: Caller, now_ms: int, *, mentions_all: bool) -> bool:
        """Refuse: broadcasts have an audience, which a plain message does not name.

        Raises:
            TrunklineError: ``FORBIDDEN``.
        """
        raise TrunklineError(
            Code.FORBIDDEN, "this is a broadcast conversation: use broadcast.send", field="conversation"
        )

    def check_may_change(self, state: Conversation, caller: Caller, now_ms: int) -> bool:
        """Only the app edits, recalls and pins.

        Raises:
            TrunklineError: ``FORBIDDEN``.
        """
        if not caller.server:
            raise TrunklineError(Code.FORBIDDEN, "only the app changes broadcasts", field="conversation")
        return True

    async def load(self, state: Conversation, caller: Caller) -> None:
        """Nothing is needed to decide."""

    def audience(self, state: Conversation) -> Iterable[tuple[str, Member]]:
        """Nobody: who has no tags is a recipient too, and is not known."""
        return ()

    async def changed(self, app: str, party: str, pts: int) -> Changed:
        """Broadcast conversations with something new since a position of the party's inbox."""
        found = [name for name, lsn in self._changed.get(app, {}).items() if lsn > pts]
        return Changed(found, [])
