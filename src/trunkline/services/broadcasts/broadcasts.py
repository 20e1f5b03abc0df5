"""Sending broadcasts: one entry, whoever it is for; now or at a time; and pushing it to those online.

An entry and the record that says whom it is for are in one commit group, and so is the end of a schedule: a crash
leaves both or neither, so a scheduled broadcast is sent exactly once. Not here: who sees it (``members``).
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import heapq
import logging
from typing import Any

import msgspec

from trunkline.base.clock import Randomness
from trunkline.base.errors import Code, TrunklineError
from trunkline.domain.broadcasts.audience import parse
from trunkline.domain.broadcasts.recipient import KIND
from trunkline.domain.conversation.state import Conversation
from trunkline.domain.identity import Caller, check_group_id
from trunkline.domain.limits import Buckets, Rate
from trunkline.domain.log.records import BroadcastMarked
from trunkline.domain.messages.types import check_content
from trunkline.services.broadcasts.cards import card_content
from trunkline.services.broadcasts.moments import Moments
from trunkline.services.broadcasts.ports import BroadcastIndex
from trunkline.services.log.engine import Engine
from trunkline.services.log.residents import ResidentConversation
from trunkline.wire import entries as types
from trunkline.wire.calls import broadcasts as calls
from trunkline.wire.calls.conversations import MembershipChanged
from trunkline.wire.content import canonical, decode_content, encode_content

MAX_SCHEDULED = 1_000
"""Broadcasts of one app that wait for their time."""
MAX_CONVERSATIONS = 100
"""Broadcast conversations of one app."""
MAX_AHEAD_MS = 366 * 24 * 3_600_000
RATE = Rate(per_s=1.0, burst=20)
"""Broadcasts of one app, scheduled ones counted when they are scheduled."""
RETRY_S = 1.0

log = logging.getLogger("trunkline.broadcasts")
Key = tuple[str, str]


class Broadcasts:
    """What an app does with broadcasts.

    Args:
        engine: the log.
        index: broadcasts and tags.
        moments: the order of broadcasts and changes of tags.
        randomness: for ids.
    """

    def __init__(self, engine: Engine, index: BroadcastIndex, moments: Moments, randomness: Randomness) -> None:
        self._engine = engine
        self._index = index
        self._moments = moments
        self._randomness = randomness
        self._rates: Buckets[str] = Buckets(RATE)
        self._claimed: set[Key] = set()
        self._waiting: dict[Key, BroadcastMarked] = {}
        self._due: list[tuple[int, Key]] = []
        self._sooner = asyncio.Event()

    # --- conversations ----------------------------------------------------------------------

    async def create(self, caller: Caller, request: calls.BroadcastCreate) -> MembershipChanged:
        """Make a broadcast conversation.

        Raises:
            TrunklineError: ``ALREADY_EXISTS``, ``INVALID_CONVERSATION`` or ``LIMIT_EXCEEDED``.
        """
        conversation = check_group_id(request.id)
        resident = await self._engine.conversation(caller.app, conversation)
        mine = [place for place in await self._index.conversations() if place.app == caller.app]
        if len(mine) >= MAX_CONVERSATIONS:
            raise TrunklineError(Code.LIMIT_EXCEEDED, f"an app has at most {MAX_CONVERSATIONS} broadcast conversations")
        state = resident.state
        if state is None or state.head:
            raise TrunklineError(Code.ALREADY_EXISTS, f"{conversation} exists", field="id")
        self._engine.check_room()
        content: dict[str, Any] = {"kind": KIND, "members": [], "name": request.name, "avatar": request.avatar}
        content["custom"] = request.custom
        entry = self._engine.append_entry(resident, state, types.CREATED, caller.party, encode_content(content))
        return MembershipChanged(conversation, state.epoch, entry.seq)

    async def update(self, caller: Caller, request: calls.BroadcastUpdate) -> MembershipChanged:
        """Change name, picture or custom fields."""
        resident, state = await self._open(caller, request.conversation)
        given = msgspec.structs.asdict(request)
        changed = {k: v for k, v in given.items() if k != "conversation" and v is not msgspec.UNSET}
        if not changed:
            raise TrunklineError(Code.INVALID_PARAMS, "name something to change")
        self._engine.check_room()
        entry = self._engine.append_entry(resident, state, types.UPDATED, caller.party, encode_content(changed))
        return MembershipChanged(resident.id, state.epoch, entry.seq)

    # --- broadcasts -------------------------------------------------------------------------

    async def send(self, caller: Caller, request: calls.BroadcastSend) -> calls.BroadcastView:
        """Send a broadcast now, or plan it.

        Raises:
            TrunklineError: ``INVALID_AUDIENCE``, ``INVALID_CONTENT``, ``ALREADY_EXISTS``, ``RATE_LIMITED``, ...
        """
        resident, state = await self._open(caller, request.conversation)
        parse(request.audience)
        content = canonical(request.content)
        now_ms = self._engine.clock.now_ms()
        expires_in_ms = request.expires_in_ms
        if request.type == types.CARD_CREATED:
            if expires_in_ms:
                raise TrunklineError(Code.INVALID_PARAMS, "a card closes: name closes_in_ms", field="expires_in_ms")
            content, expires_in_ms = card_content(caller, content, max(now_ms, request.send_at_ms))
        else:
            check_content(request.type, content)
        if request.send_at_ms > now_ms + MAX_AHEAD_MS:
            raise TrunklineError(Code.INVALID_PARAMS, "more than a year ahead", field="send_at_ms")
        later = request.send_at_ms > now_ms
        if later and sum(1 for app, _ in self._waiting if app == caller.app) >= MAX_SCHEDULED:
            raise TrunklineError(Code.LIMIT_EXCEEDED, f"at most {MAX_SCHEDULED} broadcasts wait", field="send_at_ms")
        broadcast = request.id or f"x_{self._randomness.token(16)}"
        key = (caller.app, broadcast)
        await self._claim(key)
        try:
            self._check_rate(caller.app)
            marked = BroadcastMarked(
                caller.app,
                broadcast,
                resident.id,
                "scheduled",
                now_ms,
                request.audience,
                caller.party,
                request.type,
                content,
                request.send_at_ms if later else 0,
                expires_in_ms,
            )
            if later:
                self._engine.check_room()
                self._engine.append_record(marked)
                self._plan(marked)
            else:
                marked = self._append(resident, state, marked)
        except BaseException:
            self._claimed.discard(key)
            raise
        self._engine.commits.release(self._settled, key, marked)
        return _view(marked)

    async def cancel(self, caller: Caller, request: calls.BroadcastRef) -> calls.BroadcastView:
        """Cancel a broadcast that waits.

        Raises:
            TrunklineError: ``NOT_FOUND``, or ``TOO_LATE`` when it was sent or cancelled before.
        """
        key = (caller.app, request.broadcast)
        found = await self._find(key)
        marked = self._waiting.get(key)
        if marked is None:
            raise TrunklineError(Code.TOO_LATE, f"it is {found.status}", field="broadcast")
        self._engine.check_room()
        return _view(self._cancel(marked))

    def erase(self, app: str, party: str) -> None:
        """Cancel what waits in the name of a party that is erased: its words must not be said afterwards."""
        for marked in [marked for marked in self._waiting.values() if (marked.app, marked.sender) == (app, party)]:
            self._engine.check_room()
            self._cancel(marked)

    def _cancel(self, marked: BroadcastMarked) -> BroadcastMarked:
        del self._waiting[marked.app, marked.broadcast]
        cancelled = msgspec.structs.replace(marked, status="cancelled")
        self._engine.append_record(msgspec.structs.replace(cancelled, content=b""))
        self._engine.commits.release(self._undone, marked)
        return cancelled

    async def get(self, caller: Caller, request: calls.BroadcastRef) -> calls.BroadcastView:
        """A broadcast: whether it was sent, where, and how many it found online."""
        return _view(await self._find((caller.app, request.broadcast)))

    async def page(self, caller: Caller, request: calls.BroadcastList) -> calls.Broadcasts:
        """A page of the broadcasts of a conversation, the newest first."""
        resident, _ = await self._open(caller, request.conversation)
        after = _decode_after(request.after)
        await self._projected()
        found = await self._index.page(caller.app, resident.id, after, request.limit + 1)
        following = _encode_after(found[request.limit - 1]) if len(found) > request.limit else ""
        return calls.Broadcasts([_view(marked) for marked in found[: request.limit]], following)

    # --- the schedule -----------------------------------------------------------------------

    async def run(self) -> None:
        """Send what is due, for as long as the server runs."""
        for marked in await self._index.scheduled():
            self._plan(marked)
        while True:
            self._sooner.clear()
            now_ms = self._engine.clock.now_ms()
            if not self._due or self._due[0][0] > now_ms:
                wait_s = min((self._due[0][0] - now_ms) / 1000, 60.0) if self._due else None
                try:
                    async with asyncio.timeout(wait_s):
                        await self._sooner.wait()
                except TimeoutError:
                    pass
                continue
            key = heapq.heappop(self._due)[1]
            try:
                await self._fire(key)
            except TrunklineError as error:
                if key in self._waiting:
                    log.warning("a broadcast is due and could not be sent yet", extra={"error": error.detail})
                    heapq.heappush(self._due, (now_ms + int(RETRY_S * 1000), key))

    async def _fire(self, key: Key) -> None:
        marked = self._waiting.get(key)
        if marked is None:
            return  # cancelled
        resident, state = await self._engine.existing(marked.app, marked.conversation)
        if self._waiting.get(key) is not marked:
            return
        self._append(resident, state, marked)
        del self._waiting[key]
        self._engine.commits.release(self._undone, marked)

    def _plan(self, marked: BroadcastMarked) -> None:
        key = (marked.app, marked.broadcast)
        self._waiting[key] = marked
        heapq.heappush(self._due, (marked.send_at_ms, key))
        self._sooner.set()

    def _undone(self, error: TrunklineError | None, marked: BroadcastMarked, _: Any) -> None:
        """What ended a schedule was not written: it goes on."""
        if error is not None:
            self._plan(marked)

    # --- pieces -----------------------------------------------------------------------------

    def _append(self, resident: ResidentConversation, state: Conversation, marked: BroadcastMarked) -> BroadcastMarked:
        """The entry and whom it is for, in one commit group."""
        engine = self._engine
        engine.check_room(2)
        entry = engine.append_entry(
            resident,
            state,
            marked.message_type,
            marked.sender,
            marked.content,
            counts=True,
            expires_in_ms=marked.expires_in_ms,
        )
        moment = self._moments.next()
        sent = msgspec.structs.replace(
            marked, status="sent", at_ms=entry.at_ms, content=b"", seq=entry.seq, moment=moment
        )
        engine.append_record(sent)
        return sent

    async def _open(self, caller: Caller, conversation: str) -> tuple[ResidentConversation, Conversation]:
        resident, state = await self._engine.existing(caller.app, conversation)
        if state.kind != KIND:
            raise TrunklineError(Code.FORBIDDEN, "this is not a broadcast conversation", field="conversation")
        return resident, state

    async def _claim(self, key: Key) -> None:
        """Make sure that an id is used once."""
        taken = TrunklineError(Code.ALREADY_EXISTS, f"{key[1]} exists", field="id")
        if key in self._claimed:
            raise taken
        self._claimed.add(key)
        try:
            await self._projected()
            found = await self._index.get(*key)
        except BaseException:
            self._claimed.discard(key)
            raise
        if found is not None:
            self._claimed.discard(key)
            raise taken

    def _settled(self, error: TrunklineError | None, key: Key, marked: BroadcastMarked) -> None:
        if error is not None:
            self._claimed.discard(key)
            self._waiting.pop(key, None)
            return
        engine = self._engine
        engine.when_projected(engine.committed_lsn, lambda: self._claimed.discard(key))

    async def _find(self, key: Key) -> BroadcastMarked:
        await self._engine.commits.settled()
        await self._projected()
        found = await self._index.get(*key)
        if found is None:
            raise TrunklineError(Code.NOT_FOUND, "no such broadcast", field="broadcast")
        return found

    async def _projected(self) -> None:
        await self._engine.projected(self._engine.committed_lsn)

    def _check_rate(self, app: str) -> None:
        verdict = self._rates.take(app, self._engine.clock.monotonic_s())
        if not verdict.allowed:
            raise TrunklineError(
                Code.RATE_LIMITED, "too many broadcasts", retry_ms=max(1, int(verdict.retry_after_s * 1000))
            )


def _view(marked: BroadcastMarked) -> calls.BroadcastView:
    return calls.BroadcastView(
        broadcast=marked.broadcast,
        conversation=marked.conversation,
        status=marked.status,  # type: ignore[arg-type]
        audience=marked.audience,
        type=marked.message_type,
        at_ms=marked.at_ms,
        content=decode_content(marked.content) if marked.content else None,
        send_at_ms=marked.send_at_ms,
        seq=marked.seq,
        reached=marked.reached,
    )


def _encode_after(marked: BroadcastMarked) -> str:
    return base64.urlsafe_b64encode(f"{marked.at_ms} {marked.broadcast}".encode()).decode().rstrip("=")


def _decode_after(cursor: str) -> tuple[int, str] | None:
    if not cursor:
        return None
    try:
        at, _, name = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode().partition(" ")
        if not (at.isascii() and at.isdecimal() and len(at) <= 16 and name):
            raise ValueError("not a position")
        return int(at), name
    except (binascii.Error, ValueError) as error:
        raise TrunklineError(Code.INVALID_PAGE_CURSOR, "not a cursor of this list", field="after") from error
