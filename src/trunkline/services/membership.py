"""Who is a member of a conversation, also where that is computed instead of kept.

Of direct conversations and groups the log says who is in them. Of *virtual* ones (broadcasts, channels of a community)
someone else does: a ``VirtualMembers``. Services ask here instead of looking at ``state.members``, where a virtual
conversation only has traces: cursors, settings and counts of those who did something there.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, NamedTuple, Protocol

from trunkline.base.errors import Code, TrunklineError
from trunkline.domain.conversation import rules
from trunkline.domain.conversation.state import Conversation, Member
from trunkline.domain.conversation.unread import Unread, unread_of
from trunkline.domain.identity import SYSTEM_PARTY, Caller

if TYPE_CHECKING:
    from trunkline.services.log.engine import Engine
    from trunkline.services.log.residents import ResidentConversation


class Changed(NamedTuple):
    """Virtual conversations that changed for a party, and those it does not see any more."""

    conversations: list[str]
    removed: list[str]


class VirtualMembers(Protocol):
    """Computes memberships of the virtual conversations of some kind."""

    async def member(self, resident: ResidentConversation, state: Conversation, party: str) -> Member | None:
        """The party as a member, with what bounds its view; None when it has none."""
        ...

    async def unread(self, resident: ResidentConversation, state: Conversation, party: str, member: Member) -> Unread:
        """What is unread for a member."""
        ...

    def check_may_send(self, state: Conversation, caller: Caller, now_ms: int, *, mentions_all: bool) -> bool:
        """Whether the caller may say something; False when ``load`` has to come first.

        Raises:
            TrunklineError: it may not.
        """
        ...

    def check_may_change(self, state: Conversation, caller: Caller, now_ms: int) -> bool:
        """Whether the caller may change what was said (react, edit, ...); False when ``load`` has to come first.

        Raises:
            TrunklineError: it may not.
        """
        ...

    async def load(self, state: Conversation, caller: Caller) -> None:
        """Load what ``check_may_send`` needs."""
        ...

    def audience(self, state: Conversation) -> Iterable[tuple[str, Member]]:
        """Members, as far as they can be named without a look-up; with their delivered cursor and settings."""
        ...

    async def changed(self, app: str, party: str, pts: int) -> Changed:
        """What changed for a party after a position of its inbox; costs nothing where there is nothing."""
        ...


class Virtual:
    """The virtual kinds of conversation."""

    def __init__(self) -> None:
        self.kinds: dict[str, VirtualMembers] = {}

    def of(self, state: Conversation) -> VirtualMembers:
        """Who computes the members of a conversation."""
        found = self.kinds.get(state.kind)
        if found is None:
            raise TrunklineError(Code.NOT_FOUND, "no such conversation", field="conversation")
        return found

    async def changed(self, app: str, party: str, pts: int) -> Changed:
        """What changed for a party in all virtual conversations."""
        conversations: list[str] = []
        removed: list[str] = []
        for kind in self.kinds.values():
            changed = await kind.changed(app, party, pts)
            conversations += changed.conversations
            removed += changed.removed
        return Changed(conversations, removed)


async def reader_of(
    engine: Engine, resident: ResidentConversation, state: Conversation, caller: Caller
) -> Member | None:
    """The caller as a reader, former members included; None for an app server as itself.

    Raises:
        TrunklineError: ``NOT_MEMBER``.
    """
    if not state.virtual:
        return rules.check_reader(state, caller)
    return await _virtual(engine, resident, state, caller)


async def member_of(
    engine: Engine, resident: ResidentConversation, state: Conversation, caller: Caller
) -> Member | None:
    """The caller as a present member; None for an app server as itself.

    Raises:
        TrunklineError: ``NOT_MEMBER``.
    """
    if not state.virtual:
        return rules.check_member(state, caller)
    return await _virtual(engine, resident, state, caller)


async def seen_by(engine: Engine, resident: ResidentConversation, state: Conversation, party: str) -> Member | None:
    """A party's membership, present or former; None when it has none."""
    if not state.virtual:
        return state.members.get(party)
    return await engine.virtual.of(state).member(resident, state, party)


async def unread_in(
    engine: Engine, resident: ResidentConversation, state: Conversation, party: str, member: Member
) -> Unread:
    """What is unread for a member."""
    if not state.virtual:
        return unread_of(state, party)
    return await engine.virtual.of(state).unread(resident, state, party, member)


async def check_may_change(engine: Engine, state: Conversation, caller: Caller) -> None:
    """Refuse a change of someone who may not say anything here now.

    Raises:
        TrunklineError: as for a message.
    """
    if not state.virtual:
        rules.check_may_send(state, caller, engine.clock.now_ms())
        return
    virtual = engine.virtual.of(state)
    while not virtual.check_may_change(state, caller, engine.clock.now_ms()):
        await virtual.load(state, caller)


async def _virtual(
    engine: Engine, resident: ResidentConversation, state: Conversation, caller: Caller
) -> Member | None:
    if caller.server and caller.party == SYSTEM_PARTY:
        return None
    member = await engine.virtual.of(state).member(resident, state, caller.party)
    if member is None:
        raise TrunklineError(Code.NOT_MEMBER, f"{caller.party} is not a member", field="conversation")
    return member
