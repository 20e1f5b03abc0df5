"""One port for everything: look at the first bytes of a connection and hand it over.

Media over TCP (RFC 4571 frames) is told by its first byte. A request for ``/v1/link`` goes to the WebSocket protocol,
anything else to the HTTP one. The hand-over costs nothing afterwards. picows's ``WSProtocol`` is built by its
positional arguments, which are internal to it: its version is pinned and ``tests/integration/test_port.py`` notices a
change.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from picows import WSAutoPingStrategy, WSListener, WSUpgradeRequest, WSUpgradeResponse, WSUpgradeResponseWithListener
from picows.picows import WSProtocol  # type: ignore[attr-defined]

from trunkline.base.errors import Code, TrunklineError
from trunkline.edges.link.codec import CODECS
from trunkline.edges.link.deps import LinkDeps
from trunkline.edges.link.front import NativeFront, feed
from trunkline.edges.link.session import LinkSession

if TYPE_CHECKING:
    from trunkline.edges.livekit.door import Door, Guest

LINK_PATH = b"/v1/link"
LIVE_PATHS = (b"/rtc", b"/rtc/v1")
HEADER_TIMEOUT_S = 10.0
MAX_SNIFF_BYTES = 16_384
MEDIA_BELOW = 0x08
"""Media over TCP begins with the length of a short message: neither a request line nor TLS begins with such a byte."""
READ_BUFFER_BYTES = 2048
log = logging.getLogger("trunkline.port")
Upgrade = Callable[[WSUpgradeRequest], WSUpgradeResponseWithListener]


class Refusing(WSListener):
    """Closes at once: the client offered no subprotocol we know."""

    def on_ws_connected(self, transport: Any) -> None:
        """Say why and close."""
        transport.send_close(Code.UNSUPPORTED_VERSION.close_code, Code.UNSUPPORTED_VERSION.advice.encode()[:120])
        transport.disconnect()


class Port:
    """Makes a protocol for each new connection.

    Args:
        link: dependencies of link sessions.
        http: makes an HTTP protocol (``asyncio.Protocol``).
        live: lets clients into live sessions; None when there are none.
        native: reads the sockets of link sessions, where that is possible.
        media: takes connections of clients' media; None when there are none.
    """

    def __init__(
        self,
        link: LinkDeps,
        http: Callable[[], asyncio.Protocol],
        live: Door | None = None,
        native: NativeFront | None = None,
        media: Callable[[], asyncio.Protocol] | None = None,
    ) -> None:
        self.media = media
        self.native = native
        self._link = link
        self._http = http
        self._live = live
        self._signalling = None if live is None else _signalling(live)

    def protocol(self) -> Sniffer:
        """A protocol factory for ``loop.create_server``."""
        return Sniffer(self)

    def upgrade_for(self, path: bytes) -> Upgrade | None:
        """What answers WebSocket upgrades to a path; None for paths of HTTP."""
        if path == LINK_PATH:
            return self._upgrade
        if self._live is not None and path in LIVE_PATHS:
            return self._upgrade_live
        return None

    def websocket(self, upgrade: Upgrade) -> Any:
        """A WebSocket protocol."""
        return WSProtocol(
            None,
            None,
            False,
            upgrade,
            log,
            True,
            HEADER_TIMEOUT_S,
            False,
            20,
            20,
            WSAutoPingStrategy.PING_WHEN_IDLE,
            True,
            self._link.limits.max_frame_bytes + 1024,
            None,
            READ_BUFFER_BYTES,
        )

    def http(self) -> asyncio.Protocol:
        """An HTTP protocol."""
        return self._http()

    def _upgrade(self, request: WSUpgradeRequest) -> WSUpgradeResponseWithListener:
        offered = [name.strip() for name in str(request.headers.get("Sec-WebSocket-Protocol", "")).split(",")]
        for name in offered:
            codec = CODECS.get(name)
            if codec is not None:
                response = WSUpgradeResponse.create_101_response({"Sec-WebSocket-Protocol": name})
                return WSUpgradeResponseWithListener(response, LinkSession(self._link, codec))
        return WSUpgradeResponseWithListener(WSUpgradeResponse.create_101_response(), Refusing())

    def _upgrade_live(self, request: WSUpgradeRequest) -> WSUpgradeResponseWithListener:
        door, signalling = self._live, self._signalling
        if door is None or signalling is None:
            return _refusal(404, b"there are no live sessions here")
        try:
            guest = door.admit(request.path.decode("latin-1"), str(request.headers.get("Authorization", "")))
        except TrunklineError as error:
            status = error.code.http_status if error.code.http_status in (401, 403) else 400
            return _refusal(status, error.detail.encode())
        return WSUpgradeResponseWithListener(WSUpgradeResponse.create_101_response(), signalling(guest))


def _signalling(door: Door) -> Callable[[Guest], WSListener]:
    """What makes signalling sessions; only here, because a server without live sessions starts faster without it."""
    from trunkline.edges.livekit.session import SignalSession

    return lambda guest: SignalSession(door, guest)


def _refusal(status: int, reason: bytes) -> WSUpgradeResponseWithListener:
    """An upgrade refused with a status; picows wants it in the shape of an accepted one."""
    return WSUpgradeResponseWithListener(WSUpgradeResponse.create_error_response(status, reason), None)


class Sniffer(asyncio.Protocol):
    """Reads the request line, then replaces itself."""

    __slots__ = ("_buffer", "_port", "_timer", "_transport")

    def __init__(self, port: Port) -> None:
        self._port = port
        self._buffer = b""
        self._transport: Any = None
        self._timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """A client connected; it has a few seconds to say something."""
        self._transport = transport
        self._timer = asyncio.get_running_loop().call_later(HEADER_TIMEOUT_S, self._transport.abort)

    def data_received(self, data: bytes) -> None:
        """Decide as soon as the first line is complete."""
        data = self._buffer + data
        if data[0] < MEDIA_BELOW and self._port.media is not None:
            self._hand_over(self._port.media(), data)
            return
        end = data.find(b"\r\n")
        if end < 0:
            self._buffer = data
            if len(data) > MAX_SNIFF_BYTES:
                self._transport.abort()
            return
        target = data[:end].split(b" ")
        path = target[1].split(b"?", 1)[0] if len(target) > 1 else b""
        upgrade = self._port.upgrade_for(path)
        if upgrade is not None:
            self._to_websocket(self._release(), data, upgrade)
        else:
            self._hand_over(self._port.http(), data)

    def _release(self) -> Any:
        """The connection, for another protocol."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        transport, self._transport = self._transport, None
        self._buffer = b""
        return transport

    def _hand_over(self, protocol: asyncio.Protocol, data: bytes) -> None:
        transport = self._release()
        transport.set_protocol(protocol)
        protocol.connection_made(transport)
        protocol.data_received(data)

    def _to_websocket(self, transport: Any, data: bytes, upgrade: Upgrade) -> None:
        protocol = self._port.websocket(upgrade)
        transport.set_protocol(protocol)
        protocol.connection_made(transport)
        feed(protocol, data)
        native, listener = self._port.native, protocol.listener
        if native is not None and isinstance(listener, LinkSession) and data.endswith(b"\r\n\r\n"):
            native.adopt(transport, protocol, listener)

    def connection_lost(self, exc: Exception | None) -> None:
        """Gone before it said anything."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
