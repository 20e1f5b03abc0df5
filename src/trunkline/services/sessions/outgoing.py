"""A push on its way to many sessions: encoded once per encoding, shared by all of them."""

from __future__ import annotations

from typing import Any

import msgspec

from trunkline.domain.conversation.state import Conversation
from trunkline.domain.log.records import Entry
from trunkline.services.messages.views import view_of
from trunkline.wire.frames import JSON_ENCODE, MSGPACK_ENCODE


class Outgoing:
    """A push: event name and data, with its encodings made on first use."""

    __slots__ = ("_data", "_json", "_msgpack", "event")

    def __init__(self, event: str, data: Any) -> None:
        self.event = event
        self._data = data
        self._msgpack: bytes | None = None
        self._json: bytes | None = None

    def msgpack(self) -> bytes:
        """The frame as a WebSocket binary message, header included."""
        found = self._msgpack
        if found is None:
            found = self._msgpack = binary_message(MSGPACK_ENCODE((4, self.event, self._data)))
        return found

    def json(self) -> bytes:
        """The frame as a WebSocket text message, header included."""
        found = self._json
        if found is None:
            found = self._json = text_message(JSON_ENCODE((4, self.event, self._data)))
        return found


class PushedEntry(msgspec.Struct, omit_defaults=True, gc=False):
    """``EntryView`` with positional construction, for the one place where that time counts."""

    conversation: str
    epoch: int
    seq: int
    at_ms: int
    sender: str
    type: str
    content: msgspec.Raw | None = None
    outbox: str = ""
    n: int = 0
    target: int = 0
    reply_to: int = 0
    mentions: tuple[str, ...] = ()
    expires_at_ms: int = 0
    thread: int = 0


class EntryOutgoing(Outgoing):
    """A new entry. In MessagePack its content is copied as stored, without decoding it."""

    __slots__ = ("_entry", "_state")

    def __init__(self, state: Conversation, entry: Entry) -> None:
        super().__init__("entry", None)
        self._state = state
        self._entry = entry

    def msgpack(self) -> bytes:
        """The frame as a WebSocket binary message, header included."""
        found = self._msgpack
        if found is None:
            entry = self._entry
            view = PushedEntry(
                self._state.id,
                self._state.epoch,
                entry.seq,
                entry.at_ms,
                entry.sender,
                entry.type,
                msgspec.Raw(entry.content) if entry.content else None,
                entry.outbox,
                entry.n,
                entry.target,
                entry.reply_to,
                entry.mentions,
                entry.expires_at_ms,
                entry.thread,
            )
            found = self._msgpack = binary_message(MSGPACK_ENCODE((4, "entry", view)))
        return found

    def json(self) -> bytes:
        """The frame as a WebSocket text message, header included."""
        found = self._json
        if found is None:
            found = self._json = text_message(JSON_ENCODE((4, "entry", view_of(self._state, self._entry))))
        return found


_SHORT_BINARY = [bytes((0x82, size)) for size in range(126)]
_SHORT_TEXT = [bytes((0x81, size)) for size in range(126)]


def binary_message(payload: bytes) -> bytes:
    """An unmasked, final WebSocket binary frame (RFC 6455 section 5.2)."""
    size = len(payload)
    if size < 126:
        return _SHORT_BINARY[size] + payload
    if size < 65_536:
        return b"\x82\x7e" + size.to_bytes(2, "big") + payload
    return b"\x82\x7f" + size.to_bytes(8, "big") + payload


def text_message(payload: bytes) -> bytes:
    """An unmasked, final WebSocket text frame (RFC 6455 section 5.2)."""
    size = len(payload)
    if size < 126:
        return _SHORT_TEXT[size] + payload
    if size < 65_536:
        return b"\x81\x7e" + size.to_bytes(2, "big") + payload
    return b"\x81\x7f" + size.to_bytes(8, "big") + payload
