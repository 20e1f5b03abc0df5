"""The index port: what the engine asks of the projections, and how it feeds them.

The store implements it. Everything here speaks of *projected* state: the engine pins in memory
whatever has records beyond ``projected_lsn`` and so never reads an aggregate that is behind.
One contract suite (``tests/contract``) runs against every adapter.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple, Protocol

from trunkline.domain.conversation.state import Conversation
from trunkline.domain.log.records import AppChanged, DeviceChanged, Entry, KeyChanged, ProfileChanged, Record
from trunkline.domain.parties.state import Party
from trunkline.wire.entries import Overlay


class SentBefore(NamedTuple):
    """Where an earlier send with this id went. ``digest`` is ``domain.log.dedupe.send_digest`` of it.

    ``seq`` 0: the id lies at or below the outbox's floor and was forgotten; whether it was ever accepted is unknown.
    """

    conversation: str
    seq: int
    at_ms: int
    digest: bytes


class OutboxState(NamedTuple):
    """Highest ``n`` accepted from an outbox (0 = none), and the floor at or below which ids are forgotten."""

    highest: int
    floor: int


class InboxChange(NamedTuple):
    """A subject of a party's inbox and the lsn of its latest change.

    ``subject`` is a conversation id, or ``"!blocked"``, ``"!profile"`` or ``"!threads"``.
    """

    subject: str
    pts: int


class Remembered(NamedTuple):
    """The stored answer to an idempotent request."""

    request_hash: bytes
    status: int
    body: bytes


class ConversationListItem(NamedTuple):
    """One row of a party's conversation list and its sort key."""

    conversation: str
    pinned: bool
    order: int
    active_at_ms: int


class IndexReader(Protocol):
    """Queries over projected state. Each is a consistent snapshot; none blocks the event loop."""

    async def conversation(self, app: str, conversation: str) -> Conversation | None:
        """The whole decision state, members included; None when the log does not exist."""
        ...

    async def party(self, app: str, party: str) -> Party:
        """A party's state; an empty one when nothing is known."""
        ...

    async def entries(
        self, app: str, conversation: str, first: int, last: int, limit: int, newest_first: bool
    ) -> list[Entry]:
        """Entries with ``first <= seq <= last``, ascending; the lowest ``limit`` of them, or the highest."""
        ...

    async def seq_at(self, app: str, conversation: str, at_ms: int) -> int:
        """The lowest projected seq whose time is at or after ``at_ms``; 0 when there is none."""
        ...

    async def overlays(self, app: str, conversation: str, first: int, last: int) -> dict[int, Overlay]:
        """Present state of the changed messages in a range, by seq."""
        ...

    async def outbox(self, app: str, party: str, outbox: str) -> OutboxState:
        """What is known of an outbox."""
        ...

    async def sent(self, app: str, party: str, outbox: str, n: int) -> SentBefore | None:
        """Where send ``n`` of an outbox went; None when it was not accepted, ``seq`` 0 when it is forgotten."""
        ...

    async def inbox(self, app: str, party: str, after_pts: int, limit: int) -> list[InboxChange]:
        """Changes after ``after_pts``, oldest first: ``limit`` of them and all that share the last one's pts."""
        ...

    async def inbox_floor(self, app: str, party: str) -> int:
        """The lowest pts from which ``inbox`` is complete (older tombstones were dropped)."""
        ...

    async def large_conversations(self, app: str, party: str) -> list[str]:
        """Large conversations the party is a present member of."""
        ...

    async def conversation_list(
        self, app: str, party: str, after: ConversationListItem | None, limit: int
    ) -> list[ConversationListItem]:
        """A page of the conversations the party is in and did not hide: pinned by order, then newest activity."""
        ...

    async def memberships(self, app: str, party: str) -> list[str]:
        """Every conversation the party is or was a member of."""
        ...

    async def rooms_of(self, app: str, party: str) -> list[str]:
        """Live rooms in which the party said something or is remembered by name; reads every room of the app."""
        ...

    async def profiles(self, app: str, parties: Sequence[str]) -> list[ProfileChanged]:
        """Profiles of the parties that have one."""
        ...

    async def search_profiles(
        self, app: str, text: str, field: str, value: str, after: str, limit: int
    ) -> list[tuple[str, ProfileChanged]]:
        """(party, profile) whose name contains ``text`` (case-folded) and whose custom ``field`` equals ``value``."""
        ...

    async def remembered(self, app: str, key: str) -> Remembered | None:
        """The stored answer to an Idempotency-Key."""
        ...

    async def expiring(self, up_to_ms: int, limit: int) -> list[tuple[str, str, int, int]]:
        """(app, conversation, seq, expires_at_ms) of messages due by ``up_to_ms``, not yet expired, oldest first."""
        ...

    async def cards(
        self, app: str, conversation: str, before_seq: int, limit: int, open_only: bool
    ) -> list[tuple[int, bool]]:
        """(seq, open) of the newest cards of a conversation below a seq, newest first."""
        ...

    async def apps(self) -> list[AppChanged]:
        """All tenants, oldest first."""
        ...

    async def keys(self) -> list[KeyChanged]:
        """All API keys, oldest first."""
        ...

    async def devices(self, app: str, party: str) -> list[DeviceChanged]:
        """Devices of a party, for export."""
        ...


class Projector(Protocol):
    """Feeds committed groups to the index, off the commit path, in order."""

    @property
    def projected_lsn(self) -> int:
        """Every group up to this one is visible to ``IndexReader``."""
        ...

    @property
    def durable_lsn(self) -> int:
        """Every group up to this one is on disk in the index; behind it the journal may be trimmed."""
        ...

    @property
    def queued_records(self) -> int:
        """Records submitted and not yet projected: the lag."""
        ...

    @property
    def records_per_s(self) -> float:
        """How many records a second of processor time projects; 0 while that is not known."""
        ...

    def submit(self, lsn: int, records: Sequence[Record]) -> None:
        """Queue a committed group. Called from the event loop; never blocks.

        Groups submitted or projected before are ignored.

        Raises:
            ValueError: a group is missing before this one.
        """
        ...

    def hurry(self) -> None:
        """Project what is queued now instead of waiting to batch more."""
        ...

    def on_progress(self, callback: Callable[[int], None]) -> None:
        """Call ``callback(projected_lsn)`` on the event loop after each projected batch."""
        ...

    def on_failure(self, callback: Callable[[BaseException], None]) -> None:
        """Call on the event loop when projection failed for good; the engine then refuses appends."""
        ...

    def on_delay(self, callback: Callable[[BaseException], None]) -> None:
        """Call on the event loop when a batch could not be written yet (a full disk); it is tried again."""
        ...

    async def stop(self) -> None:
        """Project what is queued, then end."""
        ...
