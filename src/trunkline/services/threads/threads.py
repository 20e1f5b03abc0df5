"""Reading threads, following them, and moving one's cursor in them.

A thread is a view over its conversation's log (decision 0015), so who may see a reply is decided by the conversation:
stays, deletions for oneself, recalls. Not here: sending a reply (``services.messages``).
"""

from __future__ import annotations

import base64
import binascii
from typing import Annotated, NamedTuple

import msgspec
from msgspec import Meta

from trunkline.base.errors import Code, TrunklineError
from trunkline.domain.conversation import rules
from trunkline.domain.conversation.state import Conversation, Member
from trunkline.domain.identity import Caller
from trunkline.domain.log.records import Entry, ThreadMarked
from trunkline.services.log.engine import Engine
from trunkline.services.log.reading import read_entry, read_overlays
from trunkline.services.log.residents import ResidentConversation
from trunkline.services.membership import reader_of
from trunkline.services.messages.views import as_of_leaving, is_message, placeholder, view_of, visible
from trunkline.services.threads.ports import Place, Span, Summary, ThreadIndex, ThreadPlace
from trunkline.wire.calls import threads as calls
from trunkline.wire.calls.messages import History
from trunkline.wire.calls.session import ConversationName
from trunkline.wire.entries import EntryView, Overlay

MAX_SCANNED = 500
"""Threads looked at for one page of those with something unread."""

_encode = msgspec.msgpack.Encoder().encode
_Number = Annotated[int, Meta(ge=0, le=2**53)]
_decode_place = msgspec.msgpack.Decoder(tuple[ConversationName, _Number, _Number]).decode


class _Open(NamedTuple):
    """A thread the caller may look at."""

    resident: ResidentConversation
    state: Conversation
    member: Member | None
    root: Entry
    place: Place
    spans: list[Span]
    summary: Summary


class Threads:
    """What one can do with threads.

    Args:
        engine: the log.
        index: queries over threads.
    """

    def __init__(self, engine: Engine, index: ThreadIndex) -> None:
        self._engine = engine
        self._index = index

    async def get(self, caller: Caller, request: calls.ThreadRef) -> calls.ThreadView:
        """One thread: its first message, how many replied, and what of it I have not read."""
        opened = await self._open(caller, request.conversation, request.thread)
        return await self._view(opened, caller.party)

    async def page(self, caller: Caller, request: calls.ThreadList) -> calls.Threads:
        """The threads I follow in the conversations I am in, or all threads of one conversation.

        Raises:
            TrunklineError: ``INVALID_PAGE_CURSOR``; of a conversation, ``NOT_FOUND`` or ``NOT_MEMBER``.
        """
        await self._projected()
        after = _decode_after(request.after)
        views: list[calls.ThreadView] = []
        scanned = 0
        while True:
            wanted = request.limit - len(views) + 1
            if request.conversation:
                resident, state = await self._engine.existing(caller.app, request.conversation)
                await reader_of(self._engine, resident, state, caller)
                places = await self._index.of_conversation(caller.app, resident.id, after, wanted)
            else:
                places = await self._index.followed(caller.app, caller.party, after, wanted)
            for place in places[: wanted - 1]:
                after = place
                view = await self._listed(caller, place, bool(request.conversation))
                if view is not None and (view.unread or not request.unread_only):
                    views.append(view)
            scanned += len(places)
            if len(places) < wanted:
                return calls.Threads(views)
            if len(views) >= request.limit or scanned >= MAX_SCANNED:
                return calls.Threads(views, _encode_after(after))

    async def history(self, caller: Caller, request: calls.ThreadHistory) -> History:
        """Replies of a thread; those the caller may not see are left out, so the seqs are not dense.

        ``head`` is that of the newest reply the caller may see.
        """
        opened = await self._open(caller, request.conversation, request.thread)
        found = await self._index.replies(
            opened.place,
            opened.spans,
            request.from_seq,
            request.to_seq or 2**53,
            request.limit + 1,
            request.newest_first,
        )
        more = len(found) > request.limit
        if more:
            found = found[1:] if request.newest_first else found[:-1]
        views = [
            self._entry_view(opened.state, opened.member, entry, overlay)
            for entry, overlay in found
            if visible(opened.member, entry)
        ]
        return History(
            conversation=opened.resident.id,
            epoch=opened.state.epoch,
            head=opened.summary.newest,
            entries=views,
            more=more,
        )

    async def follow(self, caller: Caller, request: calls.ThreadFollow) -> calls.ThreadView:
        """Follow a thread from here on, or follow it no longer; all my devices see it.

        Raises:
            TrunklineError: not a member any more, or no such thread.
        """
        opened = await self._open(caller, request.conversation, request.thread)
        self._check_own(opened, caller)
        now = await self._index.following(opened.place, caller.party)
        if now.on != request.on:
            # What was said before following it is not unread.
            read = opened.summary.newest if request.on else 0
            self._mark(opened, caller, request.on, read)
            now = now._replace(on=request.on, read=max(now.read, read))
        return await self._view(opened, caller.party, now.on, now.read)

    async def read(self, caller: Caller, request: calls.ThreadRead) -> calls.ThreadView:
        """Move my cursor in a thread forward; a lower seq than the present one changes nothing.

        Raises:
            TrunklineError: ``INVALID_PARAMS`` past the newest entry of the conversation.
        """
        opened = await self._open(caller, request.conversation, request.thread)
        self._check_own(opened, caller)
        if request.read > opened.resident.committed:
            raise TrunklineError(Code.INVALID_PARAMS, "past the head of the conversation", field="read")
        now = await self._index.following(opened.place, caller.party)
        if request.read > now.read:
            self._mark(opened, caller, None, request.read)
        return await self._view(opened, caller.party, now.on, max(now.read, request.read))

    async def changes(self, caller: Caller, request: calls.ThreadChanges) -> calls.ThreadMarks:
        """Which of my marks changed after a position: for a device whose ``sync`` said so."""
        lsn = self._engine.committed_lsn
        await self._projected()
        found = await self._index.changes(caller.app, caller.party, request.after_pts, request.limit)
        marks = [calls.ThreadMark(c.conversation, c.thread, c.following, c.read) for c in found]
        if len(found) >= request.limit:
            return calls.ThreadMarks(marks, found[-1].pts, more=True)
        return calls.ThreadMarks(marks, max(lsn, request.after_pts))

    # --- pieces -----------------------------------------------------------------------------

    async def _projected(self) -> None:
        await self._engine.projected(self._engine.committed_lsn)

    async def _open(self, caller: Caller, conversation: str, thread: int) -> _Open:
        """A thread of which the caller may see anything: the message it began with, or a reply."""
        engine = self._engine
        resident, state = await engine.existing(caller.app, conversation)
        member = await reader_of(engine, resident, state, caller)
        root = await read_entry(engine, resident, thread)
        if root is None or not is_message(root) or root.thread:
            raise _missing(thread)
        await self._projected()
        place = Place(caller.app, conversation, thread)
        spans = _spans(member)
        summary = await self._index.summary(place, spans)
        if not summary.newest and not (member is None or member.may_see(thread)):
            raise _missing(thread)
        return _Open(resident, state, member, root, place, spans, summary)

    async def _listed(self, caller: Caller, place: ThreadPlace, former: bool) -> calls.ThreadView | None:
        """A row of a list; None for what the caller may not see, or (unless ``former``) follows from outside."""
        try:
            opened = await self._open(caller, place.conversation, place.thread)
        except TrunklineError as error:
            if error.code in (Code.NOT_FOUND, Code.NOT_MEMBER):
                return None
            raise
        if not former and (opened.member is None or not opened.member.present):
            return None
        if not opened.summary.newest:
            return None
        return await self._view(opened, caller.party)

    async def _view(
        self, opened: _Open, party: str, following: bool | None = None, read: int | None = None
    ) -> calls.ThreadView:
        state, member, place = opened.state, opened.member, opened.place
        if following is None or read is None:
            following, read = await self._index.following(place, party)
        overlay = (await read_overlays(self._engine, opened.resident, place.thread, place.thread)).get(place.thread)
        last = None
        if opened.summary.last:
            found = await self._index.replies(place, opened.spans, opened.summary.last, opened.summary.last, 1, False)
            last = next((self._entry_view(state, member, e, o) for e, o in found if visible(member, e)), None)
        view = calls.ThreadView(
            conversation=place.conversation,
            epoch=state.epoch,
            thread=place.thread,
            root=self._entry_view(state, member, opened.root, overlay)
            if visible(member, opened.root)
            else placeholder(state, opened.root),
            replies=opened.summary.replies,
            last=last,
            participants=opened.summary.senders,
        )
        if member is not None and member.present:
            view.following, view.read = following, read
            if following:
                after = max(read, member.hidden_up_to)
                hidden = [seq for seq in member.hidden if seq > after]
                view.unread, view.unread_mentions = await self._index.unread(place, party, after, hidden)
        return view

    @staticmethod
    def _entry_view(state: Conversation, member: Member | None, entry: Entry, overlay: Overlay | None) -> EntryView:
        if overlay is not None and member is not None and member.left_seq:
            overlay = as_of_leaving(overlay, member.left_seq)
        return view_of(state, entry, overlay)

    @staticmethod
    def _check_own(opened: _Open, caller: Caller) -> None:
        rules.check_alive(opened.state)
        member = opened.member if opened.state.virtual else rules.check_member(opened.state, caller)
        if member is None:
            raise TrunklineError(Code.FORBIDDEN, "name the party whose thread this is", field="conversation")

    def _mark(self, opened: _Open, caller: Caller, following: bool | None, read: int) -> None:
        self._engine.check_room()
        place = opened.place
        self._engine.append_record(
            ThreadMarked(place.app, place.conversation, place.thread, caller.party, following, read)
        )


def _spans(member: Member | None) -> list[Span]:
    """The ranges of seqs a reader may see."""
    if member is None:
        return [(1, 2**53)]
    return [*member.spans, (member.joined_seq, member.left_seq or 2**53)]


def _missing(thread: int) -> TrunklineError:
    return TrunklineError(Code.NOT_FOUND, f"no thread at {thread}", field="thread")


def _encode_after(place: ThreadPlace | None) -> str:
    return base64.urlsafe_b64encode(_encode(place)).decode().rstrip("=") if place is not None else ""


def _decode_after(cursor: str) -> ThreadPlace | None:
    if not cursor:
        return None
    try:
        return ThreadPlace(*_decode_place(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))))
    except (binascii.Error, msgspec.DecodeError, ValueError) as error:
        raise TrunklineError(Code.INVALID_PAGE_CURSOR, "not a cursor of this list", field="after") from error
