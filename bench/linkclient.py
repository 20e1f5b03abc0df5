"""A small blocking client of the link, for set-up work and for measures that are not about throughput.

Lives here: one WebSocket over a blocking socket, MessagePack frames, pipelined requests, offline tokens.
Does not live here: reconnecting or keeping positions; the SDK does that.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import os
import socket
import time
from collections.abc import Iterable, Iterator
from typing import Any

import msgspec

_ENCODE = msgspec.msgpack.Encoder().encode
_DECODE = msgspec.msgpack.Decoder().decode
_BINARY, _CLOSE, _PING, _PONG = 2, 8, 9, 10
_OK, _ERROR = 2, 3


class LinkRefused(Exception):
    """The server refused a request or closed the connection."""


def mint_token(key: str, secret: str, party: str, lifetime_s: int = 86_400) -> str:
    """A client token (JWT, HS256), minted offline as an app server does it."""

    def part(value: bytes) -> str:
        return base64.urlsafe_b64encode(value).rstrip(b"=").decode()

    now = int(time.time())
    claims = {"iss": key, "sub": party, "iat": now, "exp": now + lifetime_s, "grants": {"im": {}}}
    signed = part(b'{"alg":"HS256","typ":"JWT"}') + "." + part(json.dumps(claims, separators=(",", ":")).encode())
    return signed + "." + part(hmac.new(secret.encode(), signed.encode(), hashlib.sha256).digest())


class LinkClient:
    """One signed-in connection.

    Args:
        port: The server's port on loopback.
        token: See :func:`mint_token`.
        device: Name of the device; a second connection with the same name ends the first.
        timeout_s: For every reply.
    """

    def __init__(self, port: int, token: str, device: str = "setup", timeout_s: float = 30.0) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port), timeout=timeout_s)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._input = b""
        self._next_id = 1
        self._next_n = 0
        self._upgrade(port)
        outbox = "setup-" + os.urandom(12).hex()
        self.welcome = self.call("hello", {"token": token, "device": device, "outbox": outbox, "features": []})

    def __enter__(self) -> LinkClient:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Drops the connection."""
        self._socket.close()

    def call(self, method: str, params: dict[str, Any]) -> dict[str, Any]:
        """One request; raises LinkRefused with the server's message."""
        request_id = self._request(method, params)
        while True:
            for reply_id, result in self._replies():
                if reply_id == request_id:
                    return result

    def call_many(self, method: str, many: Iterable[dict[str, Any]], window: int = 16) -> list[dict[str, Any]]:
        """Many requests of one kind, up to ``window`` in flight; results in the order of the requests."""
        results: dict[int, dict[str, Any]] = {}
        waiting: list[int] = []
        left = 0
        for params in many:
            waiting.append(self._request(method, params))
            left += 1
            while left >= window:
                for reply_id, result in self._replies():
                    results[reply_id] = result
                    left -= 1
        while left:
            for reply_id, result in self._replies():
                results[reply_id] = result
                left -= 1
        return [results[request_id] for request_id in waiting]

    def next_n(self) -> int:
        """The next number of this connection's outbox."""
        self._next_n += 1
        return self._next_n

    def send_text(self, text: str, **target: str) -> dict[str, Any]:
        """One message, ``to="user/u2"`` or ``conversation="g.x"``."""
        return self.call("message.send", self.text_params(text, **target))

    def text_params(self, text: str, **target: str) -> dict[str, Any]:
        """Parameters of a text message with the next number, for :meth:`call_many`."""
        return {"type": "text", "content": {"text": text}, "n": self.next_n(), **target}

    def _request(self, method: str, params: dict[str, Any]) -> int:
        request_id = self._next_id
        self._next_id += 1
        self._put(_BINARY, _ENCODE([1, request_id, method, params]))
        return request_id

    def _replies(self) -> Iterator[tuple[int, dict[str, Any]]]:
        for opcode, payload in self._frames():
            if opcode == _PING:
                self._put(_PONG, payload)
            elif opcode == _CLOSE:
                raise LinkRefused(f"closed with {int.from_bytes(payload[:2])} {payload[2:].decode()}")
            else:
                frame = _DECODE(payload)
                if frame[0] == _ERROR:
                    raise LinkRefused(f"{frame[2]['code']} {frame[2]['message']}")
                if frame[0] == _OK:
                    yield frame[1], frame[2]

    def _frames(self) -> Iterator[tuple[int, bytes]]:
        """Whole frames of one read; whatever is incomplete stays."""
        received = self._socket.recv(1 << 18)
        if not received:
            raise LinkRefused("the server closed the connection")
        data = self._input + received
        at = 0
        found = []
        while (frame := _frame_at(data, at)) is not None:
            opcode, payload, at = frame
            found.append((opcode, payload))
        self._input = data[at:]
        yield from found

    def _put(self, opcode: int, payload: bytes) -> None:
        size = len(payload)
        if size < 126:
            head = bytes((0x80 | opcode, 0x80 | size))
        elif size < 1 << 16:
            head = bytes((0x80 | opcode, 0x80 | 126)) + size.to_bytes(2)
        else:
            head = bytes((0x80 | opcode, 0x80 | 127)) + size.to_bytes(8)
        mask = os.urandom(4)
        whole = int.from_bytes(payload) ^ int.from_bytes((mask * (size // 4 + 1))[:size])
        self._socket.sendall(head + mask + whole.to_bytes(size))

    def _upgrade(self, port: int) -> None:
        lines = [
            "GET /v1/link HTTP/1.1",
            f"Host: 127.0.0.1:{port}",
            "Upgrade: websocket",
            "Connection: Upgrade",
            "Sec-WebSocket-Version: 13",
            "Sec-WebSocket-Key: " + base64.b64encode(os.urandom(16)).decode(),
            "Sec-WebSocket-Protocol: trunkline.v1.msgpack",
        ]
        self._socket.sendall(("\r\n".join(lines) + "\r\n\r\n").encode())
        answer = b""
        while b"\r\n\r\n" not in answer:
            received = self._socket.recv(4096)
            if not received:
                raise LinkRefused("the server closed the connection during the upgrade")
            answer += received
        head, _, self._input = answer.partition(b"\r\n\r\n")
        if not head.startswith(b"HTTP/1.1 101"):
            raise LinkRefused(head.decode(errors="replace"))


def _frame_at(data: bytes, at: int) -> tuple[int, bytes, int] | None:
    """Opcode, payload and end of the frame at an offset; None when it is incomplete."""
    if len(data) < at + 2:
        return None
    size, start = data[at + 1] & 127, at + 2
    if size >= 126:
        start += 2 if size == 126 else 8
        if len(data) < start:
            return None
        size = int.from_bytes(data[at + 2 : start])
    end = start + size
    return None if len(data) < end else (data[at] & 15, data[start:end], end)
