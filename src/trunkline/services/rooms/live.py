"""One room in memory: its members, what waits for the next batch, and what was said last.

Not here: the clock that drives it (``fanout``), finding and forgetting rooms (``directory``), rules (``domain.rooms``).
"""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Callable, Iterable
from typing import Any

import msgspec

from trunkline.base.errors import Code, TrunklineError
from trunkline.domain.conversation.state import Conversation
from trunkline.domain.limits import Bucket, Rate
from trunkline.domain.log.records import Entry
from trunkline.domain.rooms.attributes import OPERATIONS_PER_S, Attributes
from trunkline.domain.rooms.audience import Audience
from trunkline.domain.rooms.book import Named, all_named, named
from trunkline.domain.rooms.budget import Budget
from trunkline.domain.rooms.counters import RoomCounters
from trunkline.domain.rooms.membership import Membership
from trunkline.domain.rooms.policy import RoomMessageType, RoomTypes
from trunkline.domain.rooms.roles import Role
from trunkline.domain.rooms.settings import RoomSettings, declared, settings_of
from trunkline.domain.rooms.tick import Item, Tick
from trunkline.services.log.residents import ResidentConversation
from trunkline.services.rooms.limits import RoomLimits
from trunkline.services.sessions.hub import Session
from trunkline.wire import entries as types
from trunkline.wire.calls import rooms as calls
from trunkline.wire.content import decode_content, encode_content

MAX_ASKING = 1_000
ADMITTED_FOR_MS = 600_000
RECENT_BYTES = 65_536
"""Of the recent messages, so that a join stays one small answer."""


class LiveRoom:
    """A room that someone is in, or was a moment ago.

    Attributes:
        audience: the connections, and how far in the room's stream each of them is.
        behind: connections that missed a batch and have not been told yet.
        asking: parties who wait to be admitted, and since when.
        admitted: parties who were admitted, until when.
        empty_since_ms: since when nobody is in it; 0 while somebody is.
        touched_ms: last time somebody wanted something of it.
        scheduled: a turn is due.
        next_tick_s: earliest time at which what is merged and sampled goes out; ``ticked_at``: the position in the
            stream that everybody has to have reached by then.
        closing_at: position after the news that the room is closed; 0 while it is open.
    """

    __slots__ = (
        "_types",
        "_types_known",
        "admitted",
        "app",
        "asking",
        "attribute_rate",
        "attributes",
        "audience",
        "behind",
        "budget",
        "closed",
        "closing_at",
        "counters",
        "empty_since_ms",
        "id",
        "limits",
        "members",
        "next_tick_s",
        "recent",
        "reliable",
        "resident",
        "scheduled",
        "settings",
        "state",
        "stats_shown",
        "tick",
        "ticked_at",
        "touched_ms",
        "under_way",
    )

    def __init__(self, resident: ResidentConversation, types: RoomTypes, limits: RoomLimits, now_ms: int) -> None:
        self.app = resident.app
        self.id = resident.id
        self.limits = limits
        self.counters = RoomCounters()
        self.members: Membership[Session] = Membership(limits.grace_ms)
        self.tick = Tick(self.counters, limits.samples, limits.keys)
        self.attributes = Attributes()
        self.recent: deque[Item] = deque(maxlen=200)
        self.behind: dict[Session, None] = {}
        self.asking: OrderedDict[str, int] = OrderedDict()
        self.admitted: OrderedDict[str, int] = OrderedDict()
        self.under_way: set[int] = set()
        """Seqs of reliable messages that were counted as received and are not durable yet."""
        self.audience: Audience[Session] = Audience(resident.committed, limits.turn)
        self.empty_since_ms = now_ms
        self.touched_ms = now_ms
        self.scheduled = self.closed = False
        self.next_tick_s = 0.0
        self.ticked_at = self.closing_at = 0
        self.stats_shown: calls.RoomStats | None = None
        self._types_known = types
        self._types: dict[str, RoomMessageType] = {}
        self.resident = resident
        self.state: Conversation | None = None
        self.settings = RoomSettings()
        self.budget = Budget(1, 1, 1, now_ms)
        self.reliable = Bucket(Rate(0, 0), 0)
        self.attribute_rate = Bucket(Rate(OPERATIONS_PER_S, OPERATIONS_PER_S), 0)
        self.bind(resident, now_ms)

    # --- what the log says ------------------------------------------------------------------

    def bind(self, resident: ResidentConversation, now_ms: int) -> Conversation:
        """Follow the log's state, which is another object after a reload; and keep it in memory."""
        state = resident.state
        if state is None:
            raise TrunklineError(Code.BUSY, "the room is being reloaded", retry_ms=50)
        if state is not self.state:
            self.resident = resident
            self.state = state
            resident.live = {self: None}
            self.configured(now_ms)
        return state

    def configured(self, now_ms: int) -> None:
        """The settings changed: read them again."""
        assert self.state is not None
        before = self.settings
        self.settings = after = settings_of(self.state.settings)
        self._types = {name: declared(name, given) for name, given in after.types.items()}
        if after.messages_per_s != before.messages_per_s or self.budget.messages_per_s != after.messages_per_s:
            self.budget = Budget(after.messages_per_s, self.limits.bytes_per_s, self.limits.burst_ms, now_ms)

    def named(self, party: str) -> Named:
        """What the log remembers of a party."""
        assert self.state is not None
        return named(self.state.settings, party)

    def role(self, party: str) -> Role:
        """A party's role."""
        return self.named(party).role

    def type(self, name: str) -> RoomMessageType | None:
        """A message type that this room takes."""
        return self._types_known.get(name) or self._types.get(name)

    @property
    def capacity(self) -> int:
        """Members at most."""
        return min(self.settings.capacity or self.limits.capacity, self.limits.capacity)

    @property
    def closes_empty(self) -> bool:
        """Whether the room is closed when nobody is in it for a while."""
        return self.settings.close_empty_ms > 0 and not self.settings.keep_alive

    def due_to_close(self, now_ms: int) -> bool:
        """Whether it was empty for long enough to be closed now."""
        if not self.closes_empty or self.closed or not self.empty_since_ms:
            return False
        return now_ms - self.empty_since_ms >= self.settings.close_empty_ms

    # --- what is on its way -----------------------------------------------------------------

    def entry(self, entry: Entry) -> None:
        """An entry of the log became durable: it goes out with the next batch."""
        if entry.seq <= self.audience.seq:
            return
        if entry.seq in self.under_way:
            self.under_way.discard(entry.seq)
        else:
            self.counters.of(entry.type).received += 1
        self.tick.entry(Item(entry.type, entry.sender, entry.at_ms, entry.content, seq=entry.seq, target=entry.target))

    def notice(self, type: str, sender: str, content: bytes, now_ms: int) -> None:
        """Something that goes to all who are here now and is not in the log."""
        self.counters.of(type).received += 1
        self.tick.entry(Item(type, sender, now_ms, content, recent=False))

    def remember(self, items: Iterable[Item]) -> None:
        """Keep what was said for those who join later, as it is after later changes."""
        for item in items:
            if item.type in (types.RECALLED, types.EXPIRED):
                self._rewrite(lambda old, gone=item.target: b"" if old.seq == gone else None)  # type: ignore[misc]
            elif item.type == types.EDITED:
                content = encode_content(decode_content(item.content)["content"])
                self._rewrite(lambda old, at=item.target, now=content: now if old.seq == at else None)  # type: ignore[misc]
            elif item.type == types.ERASED:
                party = decode_content(item.content)["party"]
                self._rewrite(lambda old, gone=party: b"" if old.sender == gone else None)  # type: ignore[misc]
            if item.recent:
                self.recent.append(item)

    def _rewrite(self, content_of: Callable[[Item], bytes | None]) -> None:
        """Replace contents among the recent messages; the items of batches under way stay as they are."""
        for place, old in enumerate(self.recent):
            content = content_of(old)
            if content is not None:
                self.recent[place] = Item(old.type, old.sender, old.at_ms, content, seq=old.seq, target=old.target)
                self.recent[place].count = old.count

    # --- who is here ------------------------------------------------------------------------

    def push(self, parties: Iterable[str], make: Callable[[], Any]) -> None:
        """Push to the connections that these parties have in the room."""
        outgoing = None
        for party in parties:
            stay = self.members.stays.get(party)
            for session in stay.connections if stay is not None else ():
                outgoing = outgoing or make()
                session.push(outgoing)

    def runners(self) -> list[str]:
        """Parties present who run the room: moderators and above."""
        assert self.state is not None
        return [
            party
            for party, known in all_named(self.state.settings).items()
            if known.role >= Role.MODERATOR and party in self.members.stays
        ]

    def ask(self, party: str, now_ms: int) -> bool:
        """Note that a party wants in; False when it asked already."""
        if party in self.asking:
            return False
        if len(self.asking) >= MAX_ASKING:
            raise TrunklineError(Code.ROOM_OVERLOADED, "too many wait to be admitted", retry_ms=10_000)
        self.asking[party] = now_ms
        return True

    # --- views ------------------------------------------------------------------------------

    def view(self) -> calls.RoomView:
        """The room as shown."""
        state = self.state
        assert state is not None
        given = msgspec.to_builtins(self.settings)
        return calls.RoomView(
            conversation=self.id,
            epoch=state.epoch,
            seq=self.audience.seq,
            created_at_ms=state.created_at_ms,
            online=self.members.online,
            closed=state.dismissed,
            **{**given, "types": {n: msgspec.convert(t, calls.RoomType) for n, t in given.get("types", {}).items()}},
        )

    def shown_recent(self) -> calls.RoomBatch | None:
        """The recent messages as a batch, newest kept when they are too many or too large."""
        assert self.state is not None
        chosen: list[Item] = []
        size = 0
        for item in reversed(self.recent):
            size += item.size_bytes
            if len(chosen) >= self.settings.recent or size > RECENT_BYTES:
                break
            chosen.append(item)
        if not chosen:
            return None
        chosen.reverse()
        return batch_of(self, chosen, 0, self.audience.seq)

    def stats(self) -> calls.RoomStats:
        """The counters."""
        types = {
            name: calls.RoomTypeCounts(
                received=c.received,
                refused=dict(c.refused),
                sent=c.sent,
                items=c.items,
                dropped=dict(c.dropped),
                pending=c.pending,
                delivered=c.delivered,
                missed=dict(c.missed),
            )
            for name, c in sorted(self.counters.by_type.items())
        }
        members = self.members
        return calls.RoomStats(self.id, members.online, members.peak, len(members.connections), types)


def batch_of(live: LiveRoom, items: list[Item], prev: int, seq: int) -> calls.RoomBatch:
    """Items as clients see them, contents decoded."""
    state = live.state
    assert state is not None
    at_ms = items[0].at_ms if items else 0
    return calls.RoomBatch(
        live.id,
        state.epoch,
        prev,
        seq,
        at_ms,
        [
            calls.RoomItem(i.type, i.sender, i.at_ms - at_ms, decode_content(i.content), i.seq, i.count, i.target)
            for i in items
        ],
    )
