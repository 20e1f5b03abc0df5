"""Data channels on an association (RFC 8831, RFC 8832): opening, messages as text or bytes, closing.

The server never opens a channel in single-connection mode: the client does, and answers travel on the same channels.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

from trunkline.protocol.sctp.association import Association, Event, MessageReceived, StreamsReset

CONTROL, TEXT, BINARY, TEXT_EMPTY, BINARY_EMPTY = 50, 51, 53, 56, 57
OPEN, ACK = 3, 2
MAX_CHANNELS = 64


@dataclass(slots=True)
class Channel:
    """One channel.

    Attributes:
        max_retransmits: retransmissions before a message is given up; None: never.
        lifetime_s: how long a message is tried; None: for ever.
    """

    stream: int
    label: str
    protocol: str = ""
    ordered: bool = True
    max_retransmits: int | None = None
    lifetime_s: float | None = None
    acknowledged: bool = False


@dataclass(slots=True, frozen=True)
class ChannelOpened:
    """The peer opened a channel."""

    channel: Channel


@dataclass(slots=True, frozen=True)
class ChannelMessage:
    """A message came on a channel; ``text`` tells the browser's kind."""

    channel: Channel
    data: bytes
    text: bool


@dataclass(slots=True, frozen=True)
class ChannelClosed:
    """The peer closed a channel."""

    channel: Channel


ChannelEvent = ChannelOpened | ChannelMessage | ChannelClosed


class Channels:
    """The channels of one association.

    Args:
        association: carries them.
        even: whether we open even streams (the DTLS client does, RFC 8832 section 6).
    """

    __slots__ = ("_association", "_next", "by_stream")

    def __init__(self, association: Association, *, even: bool = False) -> None:
        self._association = association
        self._next = 0 if even else 1
        self.by_stream: dict[int, Channel] = {}

    def labelled(self, label: str) -> Channel | None:
        """The channel with this label."""
        return next((channel for channel in self.by_stream.values() if channel.label == label), None)

    def open(self, label: str, now_s: float, *, ordered: bool = True, max_retransmits: int | None = None) -> Channel:
        """Open a channel; messages may be sent on it at once."""
        channel = Channel(self._next, label, "", ordered, max_retransmits)
        self._next += 2
        self.by_stream[channel.stream] = channel
        kind = (0 if max_retransmits is None else 1) | (0 if ordered else 0x80)
        name = label.encode()
        message = struct.pack("!BBHIHH", OPEN, kind, 0, max_retransmits or 0, len(name), 0) + name
        self._association.send(channel.stream, CONTROL, message, now_s)
        return channel

    def send(self, channel: Channel, data: bytes, now_s: float, *, text: bool = False) -> None:
        """Send a message on a channel."""
        ppid = TEXT if text else BINARY
        if not data:
            ppid, data = (TEXT_EMPTY if text else BINARY_EMPTY), b"\0"
        self._association.send(
            channel.stream,
            ppid,
            data,
            now_s,
            # Until the peer has acknowledged, everything stays behind OPEN (RFC 8832 section 6).
            ordered=channel.ordered or not channel.acknowledged,
            max_retransmits=channel.max_retransmits,
            lifetime_s=channel.lifetime_s,
        )

    def close(self, channel: Channel) -> None:
        """Close a channel: our stream is reset, the peer resets its own."""
        if self.by_stream.pop(channel.stream, None) is not None:
            self._association.reset_streams((channel.stream,))

    def on_event(self, event: Event, now_s: float) -> list[ChannelEvent]:
        """What an event of the association means for channels."""
        if isinstance(event, MessageReceived):
            return self._on_message(event, now_s)
        if isinstance(event, StreamsReset):
            closed = [self.by_stream[stream] for stream in event.streams if stream in self.by_stream]
            for channel in closed:
                self.close(channel)
            return [ChannelClosed(channel) for channel in closed]
        return []

    def _on_message(self, event: MessageReceived, now_s: float) -> list[ChannelEvent]:
        channel = self.by_stream.get(event.stream)
        if event.ppid == CONTROL:
            return self._on_control(event, channel, now_s)
        if channel is None:
            return []
        channel.acknowledged = True
        empty = event.ppid in (TEXT_EMPTY, BINARY_EMPTY)
        return [ChannelMessage(channel, b"" if empty else event.data, event.ppid in (TEXT, TEXT_EMPTY))]

    def _on_control(self, event: MessageReceived, channel: Channel | None, now_s: float) -> list[ChannelEvent]:
        if event.data[0] == ACK and channel is not None:
            channel.acknowledged = True
            return []
        opened = parse_open(event.stream, event.data)
        if opened is None or channel is not None or len(self.by_stream) >= MAX_CHANNELS:
            return []
        self.by_stream[event.stream] = opened
        self._association.send(event.stream, CONTROL, bytes((ACK,)), now_s)
        return [ChannelOpened(opened)]


def parse_open(stream: int, data: bytes) -> Channel | None:
    """A channel from its DATA_CHANNEL_OPEN (RFC 8832 section 5.1); None when malformed."""
    if len(data) < 12 or data[0] != OPEN:
        return None
    _, kind, _, reliability, label_size, protocol_size = struct.unpack_from("!BBHIHH", data)
    if len(data) < 12 + label_size + protocol_size:
        return None
    label = data[12 : 12 + label_size].decode("utf-8", "replace")
    protocol = data[12 + label_size : 12 + label_size + protocol_size].decode("utf-8", "replace")
    return Channel(
        stream,
        label,
        protocol,
        ordered=not kind & 0x80,
        max_retransmits=reliability if kind & 0x7F == 1 else None,
        lifetime_s=reliability / 1000 if kind & 0x7F == 2 else None,
        acknowledged=True,
    )
