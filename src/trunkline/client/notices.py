"""What a client tells the application beside entries: its state, and the pushes that are not part of a log.

What is not here: calling the application (``callbacks``).
"""

from __future__ import annotations

import enum
from dataclasses import dataclass

import msgspec

from trunkline.wire.calls.session import Presence

__all__ = [
    "BlockedPush",
    "ClientState",
    "CursorMoved",
    "DrainingPush",
    "Hidden",
    "Presence",
    "Resync",
    "SendOutcome",
    "StateChange",
    "Typing",
]


class ClientState(enum.StrEnum):
    """Where a client stands with its server."""

    OFFLINE = "offline"
    CONNECTING = "connecting"
    SYNCING = "syncing"
    ONLINE = "online"
    STOPPED = "stopped"


@dataclass(slots=True, frozen=True)
class StateChange:
    """The client's state changed.

    ``reason`` is for people. ``retry_in_s`` says when the next attempt begins, where one is planned.
    ``close_code`` is that of the connection that ended, 0 if there was none.
    """

    state: ClientState
    reason: str = ""
    retry_in_s: float = 0.0
    close_code: int = 0


@dataclass(slots=True, frozen=True)
class Resync:
    """The local picture was rebuilt.

    With ``history_dropped`` the server's logs began a new epoch (it was restored from a backup): local entries were
    dropped and arrive again, numbered anew. Without it only the list of conversations was fetched afresh.
    """

    reason: str
    history_dropped: bool


@dataclass(slots=True, frozen=True)
class SendOutcome:
    """A message left the pending state: accepted at ``seq``, or refused with ``error_code``."""

    outbox: str
    n: int
    conversation: str
    seq: int = 0
    error_code: int = 0
    error: str = ""


class Typing(msgspec.Struct, frozen=True):
    """A member is typing, or stopped."""

    conversation: str
    party: str
    typing: bool = True


class CursorMoved(msgspec.Struct, frozen=True):
    """A member's cursors moved; the counts come only for my own."""

    conversation: str
    party: str
    delivered: int = 0
    read: int = 0
    unread: int | None = None
    unread_mentions: int | None = None


class Hidden(msgspec.Struct, frozen=True):
    """I deleted messages for myself, on this or another device: single ones, and everything up to ``up_to``."""

    conversation: str
    seqs: tuple[int, ...] = ()
    up_to: int = 0
    unread: int = 0
    unread_mentions: int = 0


class ThreadPushed(msgspec.Struct, frozen=True):
    """I followed or unfollowed a thread, or read in it, on this or another device."""

    conversation: str
    thread: int
    following: bool | None = None
    read: int = 0


class BlockedPush(msgspec.Struct, frozen=True):
    """My block list changed."""

    blocked: list[str]


class DrainingPush(msgspec.Struct, frozen=True):
    """The server goes away."""

    reconnect_in_ms: int = 0
