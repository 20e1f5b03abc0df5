"""What webhooks need from outside: an HTTP client, the journal as a source, tables of their own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol

from trunkline.domain.log.records import Record, WebhookChanged, WebhookCursorMoved, WebhookLaneMoved


@dataclass(frozen=True, slots=True)
class Reply:
    """What a receiver answered.

    Attributes:
        status: of HTTP; 0 when there was no answer, and ``error`` says why.
        retry_after_s: what it asked for.
        body: as much as was asked for.
    """

    status: int
    error: str = ""
    retry_after_s: float | None = None
    body: bytes = b""

    @property
    def ok(self) -> bool:
        """Whether it took the event."""
        return 200 <= self.status < 300

    def describe(self) -> str:
        """One line for the backlog view; nothing of the receiver's body is repeated."""
        return self.error or f"HTTP status {self.status}"


class Courier(Protocol):
    """Posts to receivers. Never raises for what a receiver or the network does."""

    async def post(
        self, url: str, headers: Mapping[str, str], body: bytes, timeout_s: float, max_reply_bytes: int = 0
    ) -> Reply:
        """Post once, to an allowed address only, following no redirect."""
        ...

    async def close(self) -> None:
        """Close all connections."""
        ...


class Batch(NamedTuple):
    """Committed groups in order; ``last_lsn`` is the last one read, also when it held nothing."""

    groups: Sequence[tuple[int, Sequence[Record]]]
    last_lsn: int


class JournalTail(Protocol):
    """Reads committed groups again, off the event loop, and keeps them from being trimmed."""

    @property
    def first_lsn(self) -> int:
        """The oldest group that can be read."""
        ...

    async def read(self, after_lsn: int, up_to_lsn: int) -> Batch | None:
        """Some of the groups behind ``after_lsn``; None when the next one was trimmed."""
        ...

    async def find(self, at_ms: int, up_to_lsn: int) -> int:
        """The first kept group with an entry at or after a time; behind ``up_to_lsn`` when there is none."""
        ...

    def keep(self, from_lsn: int | None, max_bytes: int) -> None:
        """Keep groups from ``from_lsn`` on from being trimmed, as far as ``max_bytes`` go; None keeps nothing."""
        ...


class WebhookTables(Protocol):
    """Projected state of webhooks."""

    async def webhooks(self) -> list[WebhookChanged]:
        """All that were not deleted, oldest first."""
        ...

    async def webhook_cursors(self) -> list[WebhookCursorMoved]:
        """The latest cursor of each."""
        ...

    async def webhook_lanes(self) -> list[WebhookLaneMoved]:
        """All conversations that are behind their webhook's cursor."""
        ...
