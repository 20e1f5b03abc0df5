"""Delivery: from a durable record to the sessions that may see it.

Small conversations are looked up member by member. Large ones (above 1,000 members) keep the set
of their live sessions, so that a message costs what is online, not what is a member.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec

from trunkline.domain.conversation import rules
from trunkline.domain.conversation.state import Conversation
from trunkline.domain.conversation.unread import unread_of
from trunkline.domain.log.records import (
    CursorMoved,
    EntriesHidden,
    Entry,
    EntryAppended,
    Record,
    SettingsChanged,
    ThreadMarked,
)
from trunkline.domain.rooms.settings import KIND as ROOM
from trunkline.protocol.link.overlays import CHANGES_A_MESSAGE
from trunkline.services.log.residents import ResidentConversation, ResidentParty
from trunkline.services.messages.views import placeholder
from trunkline.services.sessions.hub import Hub, Session
from trunkline.services.sessions.outgoing import EntryOutgoing, Outgoing
from trunkline.wire import entries as types
from trunkline.wire.calls.session import ConversationView, MemberSettings
from trunkline.wire.content import decode_content

RECEIPT_PUSH_MEMBERS = 200
"""In larger groups cursors are not pushed to everyone; senders ask with ``receipt.get``."""

_decode_settings = msgspec.msgpack.Decoder(MemberSettings).decode


class CursorPush(msgspec.Struct, omit_defaults=True):
    """Someone's cursors moved; the counts go to the party's own devices only."""

    conversation: str
    party: str
    delivered: int
    read: int
    unread: int | None = None
    unread_mentions: int | None = None


class HiddenPush(msgspec.Struct, omit_defaults=True):
    """I deleted messages for myself on one of my devices; with the counts after it."""

    conversation: str
    seqs: tuple[int, ...] = ()
    up_to: int = 0
    unread: int = 0
    unread_mentions: int = 0


class ThreadPush(msgspec.Struct, omit_defaults=True):
    """I followed or unfollowed a thread, or read in it, on one of my devices; absent fields stay as they are."""

    conversation: str
    thread: int
    following: bool | None = None
    read: int = 0


class Delivery:
    """Pushes what became durable.

    Args:
        hub: live sessions.
        reload: called with (app, conversation) when an entry's conversation has to be loaded again before
            it can be delivered; the sessions learn of it through ``lagged``.
    """

    def __init__(self, hub: Hub, reload: Callable[[Entry, ResidentConversation], None]) -> None:
        self._hub = hub
        self._reload = reload
        self.pushed = 0
        self.to_room: Callable[[Entry, ResidentConversation], None] = lambda entry, resident: None
        """Takes the entries of rooms: whom they go to is no matter of membership."""
        self.to_virtual: dict[str, Callable[[Entry, ResidentConversation, EntryOutgoing], None]] = {}
        """By kind, who takes the entries of conversations whose members are computed."""
        self.to_virtual_cursor: Callable[[CursorMoved | EntriesHidden, ResidentConversation], None] = (
            lambda record, resident: None
        )
        """Takes cursors and deletions in conversations whose members are computed."""
        self._large: dict[str, dict[ResidentConversation, None]] = {}
        """By app, the large conversations that keep a set of live sessions."""
        hub.on_add(self._join_live)
        hub.on_remove(self._leave_live)

    def on_record(self, record: Record, owner: ResidentConversation | ResidentParty | None) -> None:
        """Engine listener: push a durable record."""
        if type(record) is EntryAppended:
            self.deliver(record.entry, owner)  # type: ignore[arg-type]
        elif type(record) is CursorMoved:
            self._cursor(record, owner)  # type: ignore[arg-type]
        elif type(record) is SettingsChanged:
            self._settings(record, owner)  # type: ignore[arg-type]
        elif type(record) is EntriesHidden:
            self._hidden(record, owner)  # type: ignore[arg-type]
        elif type(record) is ThreadMarked:
            data = ThreadPush(record.conversation, record.thread, record.following, record.read)
            self._hub.push(record.app, record.party, "thread", data)

    def deliver(self, entry: Entry, resident: ResidentConversation) -> None:
        """Push an entry to everyone online who may see it."""
        state = resident.state
        if state is None:
            self._reload(entry, resident)
            return
        outgoing = EntryOutgoing(state, entry)
        if state.large:
            self._deliver_large(state, entry, resident, outgoing)
            return
        online = self._hub.online
        app = resident.app
        seq = entry.seq
        target = entry.target
        for party, member in state.members.items():
            sessions = online.get((app, party))
            if sessions is None or ((member.left_seq or seq < member.joined_seq) and not member.may_see(seq)):
                continue
            shown: Outgoing = outgoing
            if target and entry.type in CHANGES_A_MESSAGE and not member.may_see(target):
                shown = Outgoing("entry", placeholder(state, entry))
            for session in sessions:
                session.push(shown)
            self.pushed += len(sessions)

    def _deliver_large(
        self, state: Conversation, entry: Entry, resident: ResidentConversation, outgoing: EntryOutgoing
    ) -> None:
        if state.kind == ROOM:
            self.to_room(entry, resident)
            return
        virtual = self.to_virtual.get(state.kind)
        if virtual is not None:
            virtual(entry, resident, outgoing)
            return
        live = resident.live
        if live is None:
            live = resident.live = self._live_of(state, resident.app)
            self._large.setdefault(resident.app, {})[resident] = None
        elif entry.type == types.MEMBERS_ADDED:
            self._add_live(live, state, resident.app, entry)
        if entry.target and entry.type in CHANGES_A_MESSAGE:
            hidden = Outgoing("entry", placeholder(state, entry))
            for session in live:
                member = state.members.get(session.party)
                session.push(outgoing if member is not None and member.may_see(entry.target) else hidden)
        else:
            for session in live:
                session.push(outgoing)
        self.pushed += len(live)
        if entry.type in (types.MEMBERS_REMOVED, types.DISMISSED):
            for session in [s for s in live if state.member(s.party) is None]:
                del live[session]

    def _join_live(self, session: Session) -> None:
        """A session came online: it belongs to the live sets of the large conversations it is a member of."""
        conversations = self._large.get(session.app)
        if not conversations:
            return
        for resident in list(conversations):
            if resident.live is None or resident.state is None:
                del conversations[resident]  # built anew, with everyone, at its next entry
                resident.live = None
            elif resident.state.member(session.party) is not None:
                resident.live[session] = None

    def _leave_live(self, session: Session) -> None:
        for resident in self._large.get(session.app, ()):
            if resident.live is not None:
                resident.live.pop(session, None)

    def _live_of(self, state: Conversation, app: str) -> dict[Any, None]:
        online = self._hub.online
        members = state.members
        if len(online) < len(members):
            return {
                session: None
                for (of_app, party), sessions in online.items()
                if of_app == app and state.member(party) is not None
                for session in sessions
            }
        return {s: None for party, m in members.items() if m.present for s in online.get((app, party), ())}

    def _add_live(self, live: dict[Any, None], state: Conversation, app: str, entry: Entry) -> None:
        for party in decode_content(entry.content)["parties"]:
            member = state.member(party)
            if member is not None and member.may_see(entry.seq):
                live.update(dict.fromkeys(self._hub.of(app, party)))

    def _cursor(self, record: CursorMoved, resident: ResidentConversation) -> None:
        state = resident.state
        if state is None:
            return
        hub = self._hub
        own = hub.of(record.app, record.party)
        if state.virtual:
            self.to_virtual_cursor(record, resident)
            return
        if own:
            unread = unread_of(state, record.party)
            data = CursorPush(record.conversation, record.party, record.delivered, record.read, *unread)
            outgoing = Outgoing("cursor", data)
            for session in own:
                session.push(outgoing)
        if state.member_count > RECEIPT_PUSH_MEMBERS and state.kind != rules.DIRECT:
            return
        outgoing = Outgoing("cursor", CursorPush(record.conversation, record.party, record.delivered, record.read))
        for party, member in state.members.items():
            if party != record.party and member.present:
                for session in hub.of(record.app, party):
                    session.push(outgoing)

    def _hidden(self, record: EntriesHidden, resident: ResidentConversation) -> None:
        state = resident.state
        if state is not None and state.virtual:
            self.to_virtual_cursor(record, resident)
        elif state is not None and self._hub.of(record.app, record.party):
            unread = unread_of(state, record.party)
            data = HiddenPush(record.conversation, record.seqs, record.up_to, *unread)
            self._hub.push(record.app, record.party, "hidden", data)

    def _settings(self, record: SettingsChanged, resident: ResidentConversation) -> None:
        state = resident.state
        if state is None:
            return
        view = ConversationView(
            conversation=state.id,
            kind=state.kind,
            epoch=state.epoch,
            head=resident.committed,
            settings=_decode_settings(record.value),
        )
        self._hub.push(record.app, record.party, "settings", view)
