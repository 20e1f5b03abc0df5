"""A conversation as one member sees it, one's own settings of it, and the list of them."""

from __future__ import annotations

import base64
import binascii
from typing import Annotated

import msgspec
from msgspec import Meta

from trunkline.base.errors import Code, TrunklineError
from trunkline.domain.communities.structure import CHANNEL, KEY
from trunkline.domain.conversation import rules
from trunkline.domain.conversation.state import Conversation
from trunkline.domain.identity import Caller
from trunkline.domain.log.records import SettingsChanged
from trunkline.services.log.engine import Engine
from trunkline.services.log.index_port import ConversationListItem
from trunkline.services.log.reading import read_entry
from trunkline.services.log.residents import ResidentConversation
from trunkline.services.membership import reader_of, seen_by, unread_in
from trunkline.services.messages.history import Reader
from trunkline.wire import entries as types
from trunkline.wire.calls.conversations import ConversationConfigure, ConversationList, ConversationRef, Conversations
from trunkline.wire.calls.session import ConversationName, ConversationView, MemberSettings
from trunkline.wire.content import decode_content

_encode = msgspec.msgpack.Encoder().encode
# Whoever writes a cursor by hand must not reach the index with numbers it cannot compare.
_decode_row = msgspec.msgpack.Decoder(
    tuple[ConversationName, bool, Annotated[int, Meta(ge=-(2**53), le=2**53)], Annotated[int, Meta(ge=0, le=2**53)]]
).decode


class Inbox:
    """What a party's conversation list shows."""

    def __init__(self, engine: Engine, reader: Reader) -> None:
        self._engine = engine
        self._reader = reader

    async def get(self, caller: Caller, request: ConversationRef) -> ConversationView:
        """One conversation."""
        resident, state = await self._engine.existing(caller.app, request.conversation)
        await reader_of(self._engine, resident, state, caller)
        return await self.view(resident, state, caller.party)

    async def view(self, resident: ResidentConversation, state: Conversation, party: str) -> ConversationView:
        """A conversation with the party's counts, cursors, settings and last message."""
        await self._engine.commits.settled()
        member = await seen_by(self._engine, resident, state, party)
        head = resident.committed
        if member is not None and member.left_seq:
            head = min(head, member.left_seq)
        last = await self._reader.last_view(resident, state, member)
        settings = state.settings
        view = ConversationView(
            conversation=resident.id,
            kind=state.kind,
            epoch=state.epoch,
            head=head,
            name=settings.get("name", ""),
            avatar=settings.get("avatar", ""),
            custom=settings.get("custom", {}),
            member_count=state.member_count,
            muted_all=bool(settings.get("muted_all")),
            join=settings.get("join", ""),
            who_invites=settings.get("who_invites", ""),
            history_before_join=bool(settings.get("history_before_join")),
            dismissed=state.dismissed,
            last=last,
            active_at_ms=state.active_at_ms,
        )
        if member is not None:
            unread = await unread_in(self._engine, resident, state, party, member)
            view.unread, view.unread_mentions = unread
            view.read, view.delivered = member.read, member.delivered
            view.role = member.role if member.present else ""
            view.muted_until_ms = member.muted_until_ms
            view.first_visible_seq = member.first_visible
            view.left_seq = member.left_seq
            view.settings = member.settings or MemberSettings()
            if member.left_seq:
                await self._show_as_left(view, resident, member.left_seq)
        if state.kind == CHANNEL:
            view.community = settings[KEY]
        if state.kind == rules.DIRECT:
            view.peer = next((other for other in state.members if other != party), "")
            peer = state.members.get(view.peer)
            if peer is not None:
                view.peer_read, view.peer_delivered = peer.read, peer.delivered
        return view

    async def _show_as_left(self, view: ConversationView, resident: ResidentConversation, left_seq: int) -> None:
        """A former member sees the group as it was: the entry that ended the stay says how."""
        entry = await read_entry(self._engine, resident, left_seq)
        content = decode_content(entry.content) if entry is not None and entry.content else None
        as_of = content.get("as_of", {}) if isinstance(content, dict) else {}
        view.name, view.avatar, view.custom = as_of.get("name", ""), as_of.get("avatar", ""), {}
        view.member_count = as_of.get("member_count", 0)
        view.muted_all = view.history_before_join = False
        view.join = view.who_invites = ""
        if entry is not None:
            view.dismissed = entry.type == types.DISMISSED
            view.active_at_ms = as_of.get("active_at_ms", entry.at_ms)

    async def configure(self, caller: Caller, request: ConversationConfigure) -> ConversationView:
        """Change my own settings; all my devices see them."""
        resident, state = await self._engine.existing(caller.app, request.conversation)
        member = await reader_of(self._engine, resident, state, caller)
        if member is None:
            raise TrunklineError(Code.FORBIDDEN, "name the party whose settings these are")
        given = msgspec.structs.asdict(request)
        changed = {k: v for k, v in given.items() if k != "conversation" and v is not msgspec.UNSET}
        settings = msgspec.structs.replace(member.settings or MemberSettings(), **changed)
        self._engine.check_room()
        record = SettingsChanged(caller.app, caller.party, resident.id, _encode(settings))
        self._engine.append_change(resident, state, record)
        return await self.view(resident, state, caller.party)

    async def page(self, caller: Caller, request: ConversationList) -> Conversations:
        """A page of my conversations: pinned ones by their order, then the most recently active."""
        engine = self._engine
        await engine.projected(engine.committed_lsn)
        after = _decode_after(request.after)
        rows = await engine.index.conversation_list(caller.app, caller.party, after, request.limit + 1)
        views = []
        for row in rows[: request.limit]:
            resident, state = await engine.existing(caller.app, row.conversation)
            views.append(await self.view(resident, state, caller.party))
        following = _encode_after(rows[request.limit - 1]) if len(rows) > request.limit else ""
        return Conversations(views, sum(view.unread for view in views if not view.settings.mute), following)


def _encode_after(row: ConversationListItem) -> str:
    return base64.urlsafe_b64encode(_encode(tuple(row))).decode().rstrip("=")


def _decode_after(cursor: str) -> ConversationListItem | None:
    if not cursor:
        return None
    try:
        raw = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
        row = _decode_row(raw)
        return ConversationListItem(*row)
    except (binascii.Error, msgspec.DecodeError, ValueError) as error:
        raise TrunklineError(Code.INVALID_PAGE_CURSOR, "not a cursor of this list", field="after") from error
