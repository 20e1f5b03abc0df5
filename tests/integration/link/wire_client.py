"""A WebSocket client of a few lines that sends exactly the bytes it is told to; it shares no code with the SDK."""

from __future__ import annotations

import base64
import json
import os
import socket
import ssl
import struct
import time
from collections.abc import Callable
from typing import Any, Self
from urllib.parse import urlsplit

import msgspec

TEXT, BINARY, CLOSE, PING, PONG = 1, 2, 8, 9, 10


class Closed(Exception):
    """The server closed; ``code`` is the close code, 0 when the socket just ended."""

    def __init__(self, code: int, reason: str = "") -> None:
        super().__init__(f"{code} {reason}")
        self.code = code


class Refused(Exception):
    """An error reply."""

    def __init__(self, error: dict[str, Any]) -> None:
        super().__init__(str(error))
        self.error = error
        self.code = error["code"]


class WireClient:
    """One link connection, by default in JSON; ``tls`` for a server that wants it."""

    def __init__(
        self,
        url: str,
        subprotocol: str = "trunkline.v1.json",
        path: str = "/v1/link",
        tls: ssl.SSLContext | None = None,
    ) -> None:
        parts = urlsplit(url)
        assert parts.hostname and parts.port
        self.socket = socket.create_connection((parts.hostname, parts.port), timeout=30)
        if tls is not None:
            self.socket = tls.wrap_socket(self.socket, server_hostname=parts.hostname)
        self._buffer = b""
        self._id = 0
        self._binary = subprotocol.endswith("msgpack")
        self.pushes: list[tuple[str, Any]] = []
        key = base64.b64encode(os.urandom(16)).decode()
        offer = f"Sec-WebSocket-Protocol: {subprotocol}\r\n" if subprotocol else ""
        self.socket.sendall(
            f"GET {path} HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            f"Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n{offer}\r\n".encode()
        )
        while b"\r\n\r\n" not in self._buffer:
            data = self.socket.recv(4096)
            if not data:
                raise Closed(0)
            self._buffer += data
        head, self._buffer = self._buffer.split(b"\r\n\r\n", 1)
        self.status = int(head.split()[1])

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.socket.close()

    def send_raw(self, data: bytes) -> None:
        """Bytes as they are."""
        self.socket.sendall(data)

    def send_frame(self, payload: bytes, opcode: int = TEXT, *, fin: bool = True, mask: bool = True) -> None:
        """One WebSocket frame (RFC 6455 section 5.2)."""
        size = len(payload)
        head = bytes([(0x80 if fin else 0) | opcode])
        flag = 0x80 if mask else 0
        if size < 126:
            head += bytes([flag | size])
        elif size < 65536:
            head += bytes([flag | 126]) + struct.pack(">H", size)
        else:
            head += bytes([flag | 127]) + struct.pack(">Q", size)
        if mask:
            key = os.urandom(4)
            payload = key + bytes(b ^ key[i % 4] for i, b in enumerate(payload))
        self.send_raw(head + payload)

    def frame(self) -> tuple[int, bytes]:
        """The next frame.

        Raises:
            Closed: a close frame, or the end.
        """
        opcode, payload = self._exactly(2)[0] & 0x0F, b""
        size = self._last[1] & 0x7F
        if size == 126:
            (size,) = struct.unpack(">H", self._exactly(2))
        elif size == 127:
            (size,) = struct.unpack(">Q", self._exactly(8))
        payload = self._exactly(size) if size else b""
        if opcode == CLOSE:
            raise Closed(struct.unpack(">H", payload[:2])[0] if payload else 0, payload[2:].decode())
        return opcode, payload

    def _exactly(self, size: int) -> bytes:
        while len(self._buffer) < size:
            try:
                data = self.socket.recv(65536)
            except ConnectionResetError:
                raise Closed(0) from None
            if not data:
                raise Closed(0)
            self._buffer += data
        self._last, self._buffer = self._buffer[:size], self._buffer[size:]
        return self._last

    def receive(self) -> list[Any]:
        """The next link frame; pushes are kept in ``pushes`` too."""
        while True:
            opcode, payload = self.frame()
            if opcode in (TEXT, BINARY):
                found: list[Any] = msgspec.msgpack.decode(payload) if self._binary else json.loads(payload)
                if found[0] == 4:
                    self.pushes.append((found[1], found[2]))
                return found

    def request(self, method: str, **params: Any) -> int:
        """Send a request without waiting."""
        self._id += 1
        frame = [1, self._id, method, params]
        if self._binary:
            self.send_frame(msgspec.msgpack.encode(frame), BINARY)
        else:
            self.send_frame(json.dumps(frame).encode())
        return self._id

    def call(self, method: str, **params: Any) -> Any:
        """Send a request and wait for its result.

        Raises:
            Refused: an error reply.
        """
        request_id = self.request(method, **params)
        while True:
            found = self.receive()
            if found[0] == 2 and found[1] == request_id:
                return found[2]
            if found[0] == 3 and found[1] == request_id:
                raise Refused(found[2])

    def push(self, event: str, matches: Callable[[Any], bool] = lambda _: True, timeout_s: float = 30) -> Any:
        """The first push of a kind that matches, received already or still to come."""
        deadline = time.monotonic() + timeout_s
        while time.monotonic() < deadline:
            for name, data in self.pushes:
                if name == event and matches(data):
                    return data
            self.receive()
        raise AssertionError(f"no {event} push came")

    def closed(self) -> int:
        """Read until the server closes; the close code."""
        try:
            while True:
                self.frame()
        except Closed as end:
            return end.code
