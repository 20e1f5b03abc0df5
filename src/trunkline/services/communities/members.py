"""Who is a member of a channel: the members of its community who may view it. Computed, never written.

Permissions are computed once for each set of user groups and version of a community, so asking costs two look-ups. Not
here: changing a community (``communities``), the order of permissions (domain).
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable

from trunkline.base.errors import Code, TrunklineError
from trunkline.domain.communities.channel import Baseline, ChannelMember
from trunkline.domain.communities.permissions import NOTHING, permissions_of
from trunkline.domain.communities.structure import CHANNEL, KEY, Structure
from trunkline.domain.conversation import rules
from trunkline.domain.conversation.state import Conversation, Member
from trunkline.domain.conversation.unread import Unread, unread_as
from trunkline.domain.identity import SYSTEM_PARTY, Caller
from trunkline.domain.log.records import Entry
from trunkline.services.communities.ports import CommunityIndex
from trunkline.services.log.engine import Engine
from trunkline.services.log.reading import read_entry
from trunkline.services.log.residents import ResidentConversation
from trunkline.services.membership import Changed
from trunkline.services.messages.changes import own_count_at
from trunkline.services.messages.history import seq_at
from trunkline.services.sessions.hub import Hub
from trunkline.services.sessions.outgoing import EntryOutgoing

MAX_BASELINES = 200_000

Key = tuple[str, str]


class Rights:
    """What the members of one community may do, at one version of it."""

    __slots__ = ("_cache", "_groups", "state", "structure", "version")

    def __init__(self, state: Conversation) -> None:
        self.state = state
        self.version = state.head
        self.structure: Structure = state.settings[KEY]
        self._groups: dict[str, tuple[str, ...]] = {}
        for name, group in self.structure["groups"].items():
            for party in group["members"]:
                self._groups[party] = (*self._groups.get(party, ()), name)
        self._cache: dict[tuple[bool, tuple[str, ...], str], frozenset[str]] = {}

    def groups_of(self, party: str) -> tuple[str, ...]:
        """The user groups of a party."""
        return self._groups.get(party, ())

    def of(self, party: str, channel: str = "") -> frozenset[str]:
        """What a party may do in a channel, or in the community at large."""
        member = self.state.member(party)
        if member is None:
            return NOTHING
        key = (member.role != "member", self._groups.get(party, ()), channel)
        found = self._cache.get(key)
        if found is None:
            found = self._cache[key] = permissions_of(self.structure, member.role, key[1], channel)
        return found


class ChannelMembers:
    """Implements ``VirtualMembers``.

    Args:
        engine: the log.
        index: which communities a party is in.
        hub: live sessions.
        apps: those that have communities.
    """

    def __init__(self, engine: Engine, index: CommunityIndex, hub: Hub, apps: set[str]) -> None:
        self._engine = engine
        self._index = index
        self._hub = hub
        self._apps = apps
        self._since = engine.committed_lsn
        self._changed: dict[Key, int] = {}
        """Positions at or after the last change of channels and communities; of all others, when the server started."""
        self._rights: dict[Key, Rights] = {}
        self._baselines: dict[tuple[str, str, str, int], Baseline] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        engine.virtual.kinds[CHANNEL] = self

    # --- what others are told ---------------------------------------------------------------

    def touch(self, app: str, conversation: str) -> None:
        """A channel, or the structure of a community, has changed."""
        self._apps.add(app)
        self._changed[app, conversation] = self._engine.committed_lsn

    def rights(self, state: Conversation) -> Rights:
        """What the members of a loaded community may do now."""
        key = (state.app, state.id)
        found = self._rights.get(key)
        if found is None or found.state is not state or found.version != state.head:
            if len(self._rights) > 1_000:
                self._rights.clear()
            found = self._rights[key] = Rights(state)
        return found

    async def community_of(self, state: Conversation) -> Conversation:
        """The community of a channel.

        Raises:
            TrunklineError: ``NOT_FOUND``.
        """
        return (await self._engine.existing(state.app, state.settings[KEY]))[1]

    # --- VirtualMembers ---------------------------------------------------------------------

    async def member(self, resident: ResidentConversation, state: Conversation, party: str) -> ChannelMember | None:
        """The party as a member of a channel; None when it may not view it."""
        community = await self.community_of(state)
        member = community.member(party)
        permissions = self.rights(community).of(party, state.id)
        if member is None or "view" not in permissions:
            return None
        baseline = await self._baseline(resident, state, community, party, member)
        trace = state.members.get(party)
        return ChannelMember(member.role, permissions, member.muted_until_ms, trace, baseline)

    async def unread(self, resident: ResidentConversation, state: Conversation, party: str, member: Member) -> Unread:
        """What is unread for a member."""
        return unread_as(state, party, member)

    def check_may_send(self, state: Conversation, caller: Caller, now_ms: int, *, mentions_all: bool) -> bool:
        """Whether the caller may say something; False when the community has to be loaded first.

        Raises:
            TrunklineError: ``NOT_MEMBER``, ``DISMISSED``, ``MUTED`` or ``FORBIDDEN``.
        """
        rules.check_alive(state)
        resident = self._engine.residents.conversation(state.app, state.settings[KEY])
        community = resident.state if resident is not None else None
        if community is None:
            return False
        rules.check_alive(community)
        if caller.server and caller.party == SYSTEM_PARTY:
            return True
        permissions = self.rights(community).of(caller.party, state.id)
        member = community.member(caller.party)
        if member is None or "view" not in permissions:
            raise TrunklineError(Code.NOT_MEMBER, f"{caller.party} is not a member", field="conversation")
        if caller.server:
            return True
        if member.muted_until_ms > now_ms:
            raise TrunklineError(Code.MUTED, f"muted until {member.muted_until_ms}")
        if "send" not in permissions:
            raise TrunklineError(Code.FORBIDDEN, "this needs the permission to send", field="conversation")
        if mentions_all and "mention_all" not in permissions:
            raise TrunklineError(Code.FORBIDDEN, "this needs the permission to mention all", field="mentions")
        return True

    def check_may_change(self, state: Conversation, caller: Caller, now_ms: int) -> bool:
        """As for a message."""
        return self.check_may_send(state, caller, now_ms, mentions_all=False)

    async def load(self, state: Conversation, caller: Caller) -> None:
        """Load the community."""
        await self.community_of(state)

    def audience(self, state: Conversation) -> Iterable[tuple[str, Member]]:
        """Members of the community who may view the channel; nobody while the community is not in memory."""
        resident = self._engine.residents.conversation(state.app, state.settings[KEY])
        community = resident.state if resident is not None else None
        if community is None:
            return
        rights = self.rights(community)
        nothing = Baseline(0, 0, 0)
        for party, member in community.members.items():
            permissions = rights.of(party, state.id)
            if "view" in permissions:
                trace = state.members.get(party)
                yield party, ChannelMember(member.role, permissions, member.muted_until_ms, trace, nothing)

    async def changed(self, app: str, party: str, pts: int) -> Changed:
        """Channels that changed for a party after a position, and those it may not view any more."""
        if app not in self._apps:
            return Changed([], [])
        found: list[str] = []
        removed: list[str] = []
        for community, mine, left in await self._index.of_party(app, party):
            structure_changed = max(mine, self._changed.get((app, community), self._since)) > pts
            if left and mine <= pts:
                continue
            state = (await self._engine.existing(app, community))[1]
            rights = self.rights(state)
            for channel in rights.structure["channels"]:
                if "view" not in rights.of(party, channel):
                    if structure_changed:
                        removed.append(channel)
                elif structure_changed or self._changed.get((app, channel), self._since) > pts:
                    found.append(channel)
            if structure_changed:
                removed += rights.structure["gone"]
        return Changed(found, removed if pts else [])

    # --- pushing ----------------------------------------------------------------------------

    def take(self, entry: Entry, resident: ResidentConversation, outgoing: EntryOutgoing) -> None:
        """An entry of a channel became durable: push it to everyone online who may view the channel."""
        self.touch(resident.app, resident.id)
        state = resident.state
        if state is None:
            return
        community = self._engine.residents.conversation(resident.app, state.settings[KEY])
        if community is not None and community.state is not None:
            self._push(community.state, resident, outgoing)
            return
        task = asyncio.get_running_loop().create_task(self._load_and_push(state, resident, outgoing), name="channel")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _load_and_push(
        self, state: Conversation, resident: ResidentConversation, outgoing: EntryOutgoing
    ) -> None:
        self._push(await self.community_of(state), resident, outgoing)

    def _push(self, community: Conversation, resident: ResidentConversation, outgoing: EntryOutgoing) -> None:
        rights, channel, app = self.rights(community), resident.id, resident.app
        for (of_app, party), sessions in self._hub.online.items():
            if of_app == app and "view" in rights.of(party, channel):
                for session in sessions:
                    session.push(outgoing)

    # --- unread -----------------------------------------------------------------------------

    async def _baseline(
        self, resident: ResidentConversation, state: Conversation, community: Conversation, party: str, member: Member
    ) -> Baseline:
        """Where unread begins: at the first message at or after joining the community."""
        key = (state.app, state.id, party, member.joined_seq)
        found = self._baselines.get(key)
        if found is None:
            known, _ = await self._engine.existing(state.app, community.id)
            joined = await read_entry(self._engine, known, member.joined_seq)
            at_ms = joined.at_ms if joined is not None else community.at_ms
            seq = await seq_at(self._engine, resident, at_ms) - 1
            before = await read_entry(self._engine, resident, seq) if seq > 0 else None
            own = await own_count_at(self._engine, resident, state, party, seq) if party in state.members else 0
            found = Baseline(max(seq, 0), before.count if before is not None else 0, own)
            if len(self._baselines) > MAX_BASELINES:
                self._baselines.clear()
            self._baselines[key] = found
        return found
