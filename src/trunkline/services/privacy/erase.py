"""Erasure: a party's profile, block list, devices, own settings and the content of all it sent are gone.

What stays is structure: that there was an entry, when, and by whom, because the others' logs are numbered
through it. Each conversation gets a ``message.erased {party}`` entry, so that clients drop their copies.
The order matters:

1. its tokens are revoked and its sessions closed, so that nothing new arrives;
2. everything is projected, so that the index knows every conversation;
3. what waits to be said in its name is cancelled, each conversation is told, and groups are left;
4. ``party_erased`` makes the projection drop the content, and the answer waits for that: from then on neither
   memory nor the index holds it. The journal does until it is trimmed, and backups do for as long as they are kept.

An erasure that broke off half-way is completed by repeating it.
"""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from trunkline.base.errors import Code, TrunklineError
from trunkline.domain.broadcasts.recipient import KIND as BROADCAST
from trunkline.domain.conversation.leaving import as_left
from trunkline.domain.conversation.rules import DIRECT
from trunkline.domain.conversation.state import ADMIN, OWNER, Conversation
from trunkline.domain.identity import SYSTEM_PARTY, Caller, check_party
from trunkline.domain.log import records
from trunkline.domain.rooms.book import ATTRIBUTES
from trunkline.services.log.engine import Engine
from trunkline.services.log.residents import ResidentConversation
from trunkline.services.privacy.ports import PartySessions
from trunkline.wire import entries as types
from trunkline.wire.calls.parties import PartyErased, PartyRef
from trunkline.wire.calls.session import MemberSettings
from trunkline.wire.content import encode_content

BATCH_CONVERSATIONS = 200
"""Told between two waits for the disk."""

_NO_SETTINGS = msgspec.msgpack.encode(MemberSettings())


class Eraser:
    """Erases parties.

    Args:
        engine: the log.
        sessions: closes the party's sessions.
        cancel: cancels what waits to be said in a party's name: (app, party).
    """

    def __init__(
        self, engine: Engine, sessions: PartySessions, cancel: Callable[[str, str], None] | None = None
    ) -> None:
        self._engine = engine
        self._sessions = sessions
        self._cancel = cancel

    async def erase(self, caller: Caller, request: PartyRef) -> PartyErased:
        """Erase a party; returns when nothing of it can be read any more.

        The counts are of the conversations told, and of the messages the party ever sent in them (in rooms, which
        count nobody's messages, 0).

        Raises:
            TrunklineError: ``INVALID_PARTY``, ``FORBIDDEN`` for the system's own party, ``BUSY``; or
                ``INTERNAL`` when it broke off half-way.
        """
        app, party = caller.app, check_party(request.party)
        if party == SYSTEM_PARTY:
            raise TrunklineError(Code.FORBIDDEN, "The system's own party cannot be erased.", field="party")
        engine = self._engine
        engine.check_room()
        engine.append_party(records.TokensRevoked(app, party, engine.clock.now_ms() // 1000))
        engine.commits.release(self._close, app, party)
        await engine.commits.settled()
        try:
            return await self._erase(app, party)
        except TrunklineError as error:
            raise TrunklineError(
                Code.INTERNAL, f"The erasure broke off half-way and has to be repeated: {error.detail}"
            ) from error

    async def _erase(self, app: str, party: str) -> PartyErased:
        engine = self._engine
        await engine.projected(engine.committed_lsn)
        conversations = messages = 0
        failures: list[TrunklineError] = []
        if self._cancel is not None:
            self._cancel(app, party)
            engine.commits.release(_note, failures)
        memberships = await engine.index.memberships(app, party)
        for conversation in memberships:
            resident = await engine.conversation(app, conversation)
            state = resident.state
            member = state.members.get(party) if state is not None else None
            if state is None or member is None:
                continue
            engine.check_room()
            messages += member.own
            conversations += 1
            self._tell(resident, state, party)
            engine.commits.release(_note, failures)
            if conversations % BATCH_CONVERSATIONS == 0:
                await engine.commits.settled()
                await engine.projected(engine.committed_lsn)
        for room in await engine.index.rooms_of(app, party):
            resident = await engine.conversation(app, room)
            if resident.state is not None:
                conversations += 1
                self._tell_room(resident, resident.state, party)
                engine.commits.release(_note, failures)
        # A group that failed while something was loaded would leave conversations untold.
        await engine.commits.settled()
        if failures:
            raise failures[0]
        engine.check_room()
        engine.append_party(records.PartyErased(app, party, engine.clock.now_ms()))
        await engine.commits.settled()
        await engine.projected(engine.committed_lsn)
        for conversation in memberships:
            loaded = engine.residents.conversation(app, conversation)
            if loaded is not None and loaded.state is not None:
                loaded.state.erase(party)  # as the projection did
        return PartyErased(party, messages, conversations)

    def _tell(self, resident: ResidentConversation, state: Conversation, party: str) -> None:
        engine = self._engine
        member = state.members[party]
        if member.settings is not None:
            cleared = records.SettingsChanged(resident.app, party, resident.id, _NO_SETTINGS)
            engine.append_change(resident, state, cleared)
        if state.dismissed:
            return  # nobody is left who could read an entry
        if state.kind == BROADCAST and not member.own:
            return  # it only read: its name is nobody's business
        engine.append_entry(resident, state, types.ERASED, SYSTEM_PARTY, encode_content({"party": party}))
        if not member.present or state.kind == DIRECT or state.virtual:
            return
        if member.role == OWNER:
            heir = _heir(state, party)
            if heir is None:
                engine.append_entry(
                    resident, state, types.DISMISSED, SYSTEM_PARTY, encode_content({"as_of": as_left(state, 0)})
                )
                return
            engine.append_entry(resident, state, types.TRANSFERRED, SYSTEM_PARTY, encode_content({"party": heir}))
        content = encode_content({"parties": [party], "reason": "erased", "as_of": as_left(state, 1)})
        engine.append_entry(resident, state, types.MEMBERS_REMOVED, SYSTEM_PARTY, content)

    def _tell_room(self, resident: ResidentConversation, state: Conversation, party: str) -> None:
        """A room: the attributes that the party owns go with what it said."""
        engine = self._engine
        engine.check_room()
        owned = [key for key, (_, _, owner) in state.settings.get(ATTRIBUTES, {}).items() if owner == party]
        if owned:
            content = encode_content({"removed": owned})
            engine.append_entry(resident, state, types.ROOM_ATTRIBUTES_CHANGED, SYSTEM_PARTY, content)
        if not state.dismissed:
            engine.append_entry(resident, state, types.ERASED, SYSTEM_PARTY, encode_content({"party": party}))

    def _close(self, error: TrunklineError | None, app: str, party: str) -> None:
        if error is None:
            self._sessions.close_device(app, party, None, Code.TOKEN_REVOKED)


def _note(error: TrunklineError | None, failures: list[TrunklineError], _: object) -> None:
    if error is not None:
        failures.append(error)


def _heir(state: Conversation, owner: str) -> str | None:
    """Who owns a group after its owner: the longest-standing admin, else the longest-standing member."""
    others = [(m.role != ADMIN, m.joined_seq, party) for party, m in state.members.items() if m.present]
    return min((other for other in others if other[2] != owner), default=(False, 0, None))[2]
