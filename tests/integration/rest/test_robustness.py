"""REST over real sockets where things go wrong: crashes, races, garbled cursors, limits, strange HTTP."""

from __future__ import annotations

import base64
import json
import signal
import socket
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest

from tests.integration.rest.running import App, Running, serving
from trunkline.base.errors import Code

M = "/v1/conversations/team/messages"
ROOT = Path(__file__).parents[3]


def make_team(app: App) -> None:
    with app.acting() as system:
        answer = system.post("/v1/groups", json={"id": "team", "owner": "user/alice", "members": ["user/bob"]})
        assert answer.status_code == 201, answer.text


def texts(app: App) -> list[str]:
    with app.acting() as system:
        entries = system.get(M, params={"limit": 500}).json()["entries"]
    return [entry["content"]["text"] for entry in entries if entry["type"] == "text"]


def test_the_served_document_is_the_checked_in_one(server: Running) -> None:
    with server.client() as anyone:
        served = anyone.get("/v1/openapi.json").json()
    assert served == json.loads((ROOT / "spec" / "openapi.json").read_text("utf-8"))


def test_a_key_survives_a_kill(tmp_path: Path) -> None:
    keyed = {"Idempotency-Key": "order-7"}
    bulk = {"messages": [{"conversation": "team", "content": {"text": f"b{n}"}} for n in range(20)]}
    with serving(tmp_path) as first:
        app = first.create_app()
        make_team(app)
        with app.acting() as system:
            sent = system.post(M, json={"content": {"text": "once"}}, headers=keyed)
            sent_bulk = system.post("/v1/messages/bulk", json=bulk, headers={"Idempotency-Key": "bulk"})
            rotated = system.post("/v1/keys", json={}, headers={"Idempotency-Key": "rotate"})
        first.process.send_signal(signal.SIGKILL)
        first.process.wait()

    with serving(tmp_path) as second:
        app.server = second
        with app.acting() as system:
            again = system.post(M, json={"content": {"text": "once"}}, headers=keyed)
            again_bulk = system.post("/v1/messages/bulk", json=bulk, headers={"Idempotency-Key": "bulk"})
            again_rotated = system.post("/v1/keys", json={}, headers={"Idempotency-Key": "rotate"})
            other = system.post(M, json={"content": {"text": "other"}}, headers=keyed)
        assert texts(app) == ["once", *(f"b{n}" for n in range(20))]

    assert (again.status_code, again.content, again.headers["Idempotent-Replayed"]) == (201, sent.content, "true")
    assert again_bulk.content == sent_bulk.content
    assert again_rotated.content == rotated.content
    assert again_rotated.json()["secret"]
    assert other.json()["code"] == Code.ID_CONFLICT.number
    secret = rotated.json()["secret"].encode()
    assert not [path for path in (tmp_path / "data").rglob("*") if path.is_file() and secret in path.read_bytes()]


def test_many_at_once_with_one_key_have_one_effect(app: App) -> None:
    make_team(app)

    def send(_: int) -> tuple[int, str]:
        with app.acting() as system:
            answer = system.post(M, json={"content": {"text": "once"}}, headers={"Idempotency-Key": "k"})
        return answer.status_code, answer.text

    with ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(send, range(48)))

    assert texts(app) == ["once"]
    accepted = {text for status, text in answers if status == 201}
    assert len(accepted) == 1
    assert {status for status, _ in answers} <= {201, 503}


def packed(*values: Any) -> str:
    return base64.urlsafe_b64encode(msgspec.msgpack.encode(values)).decode().rstrip("=")


@pytest.mark.parametrize(
    "cursor",
    [
        "garbled",
        "%%%",
        "ä" * 10,
        "A" * 256,
        packed("team"),
        packed(1, 2, 3, 4),
        packed("team", True, 2**64 - 1, 2**64 - 1),
        packed("team", True, -(2**63), 0),
        packed("\x00", False, 0, 0),
    ],
)
@pytest.mark.parametrize("path", ["/v1/conversations", "/v1/conversations/team/members", "/v1/profiles/search?text=a"])
def test_a_garbled_cursor_is_refused_or_harmless(app: App, path: str, cursor: str) -> None:
    make_team(app)
    with app.acting() as system:
        answer = system.get(path, params={**dict(httpx.QueryParams(path.partition("?")[2])), "after": cursor})

    assert answer.status_code in (200, 422), answer.text
    if answer.status_code == 422:
        assert answer.json()["code"] == Code.INVALID_PAGE_CURSOR.number
    if cursor in ("garbled", "%%%"):
        assert answer.status_code == 422, answer.text


def test_rates_are_limited_per_key(tmp_path: Path) -> None:
    with serving(tmp_path, LIMITS__KEY_RATE="0.01", LIMITS__KEY_BURST="3", LIMITS__PARTY_RATE="0") as server:
        app, other = server.create_app("a"), server.create_app("b")
        with app.acting() as busy, other.acting() as calm, app.as_client("user/u1") as user:
            statuses = [busy.get("/v1/conversations").status_code for _ in range(4)]
            refused = busy.get("/v1/conversations")
            assert statuses == [200, 200, 200, 429]
            assert 0 < int(refused.headers["Retry-After"]) <= 100
            assert refused.json()["code"] == Code.RATE_LIMITED.number
            assert calm.get("/v1/conversations").status_code == 200
            assert user.get("/v1/conversations").status_code == 200


def raw(server: Running, request: bytes) -> bytes:
    """Send bytes, read until the server closes or a whole answer without body framing arrived."""
    host, port = server.url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=15) as connection:
        connection.sendall(request)
        received = b""
        while chunk := connection.recv(65_536):
            received += chunk
        return received


CLOSE = b"Host: x\r\nConnection: close\r\n\r\n"


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        (b"GET /v1/conversations HTTP/1.1\r\n" + CLOSE, b"401"),
        (b"GET /v1/../v1/conversations HTTP/1.1\r\n" + CLOSE, b"404"),
        (b"GET /v1/conversations%2Fteam HTTP/1.1\r\n" + CLOSE, b"401"),
        (b"GET //v1/conversations HTTP/1.1\r\n" + CLOSE, b"404"),
        (b"GET /%00 HTTP/1.1\r\n" + CLOSE, b"404"),
        (b"GET /\xff HTTP/1.1\r\n" + CLOSE, b"40"),
        (b"NONSENSE\r\n\r\n", b"400"),
        (b"GET /health/live HTTP/1.1\r\nBad Header\r\n\r\n", b"400"),
        (b"GET /v1/conversations HTTP/1.1\r\nAuthorization: Basic \xff\xfe\r\n" + CLOSE, b"401"),
        (b"POST /v1/groups HTTP/1.1\r\nContent-Length: -1\r\n" + CLOSE, b"400"),
        (b"POST /v1/groups HTTP/1.1\r\nContent-Length: 99999999999999999999999\r\n" + CLOSE, b"4"),
        (
            b"POST /v1/groups HTTP/1.1\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n" + CLOSE + b"0\r\n\r\n",
            b"4",
        ),
    ],
)
def test_strange_http(server: Running, request_: bytes, status: bytes) -> None:
    answer = raw(server, request_)

    assert answer.startswith(b"HTTP/1.1 " + status), answer[:300]
    with server.client() as anyone:
        assert anyone.get("/health/live").status_code == 200


def test_an_oversize_body_is_refused(app: App) -> None:
    with app.acting() as system:
        answer = system.post(M, content=b"x" * (2 << 20), headers={"Content-Type": "application/json"})
    assert (answer.status_code, answer.json()["code"]) == (413, Code.OVERSIZE.number)


def test_the_largest_text_passes_and_the_next_is_refused(app: App) -> None:
    make_team(app)
    with app.acting() as system:
        assert system.post(M, json={"content": {"text": "é" * 20_000}}).status_code == 201
        refused = system.post(M, json={"content": {"text": "é" * 20_001}})
    assert refused.json()["name"] == "invalid_content"


@pytest.mark.parametrize(
    ("body", "name"),
    [
        ({"content": {"text": "x"}, "sender": "user/bob"}, "forged_field"),
        ({"content": {"text": "x"}, "at_ms": 1}, "forged_field"),
        ({"content": {"text": 1}}, "invalid_content"),
        ({"content": "x"}, "invalid_content"),
        ({}, "invalid_content"),
        ({"content": {"text": "x"}, "type": "message.recalled"}, "unknown_message_type"),
        ({"content": {"text": "x"}, "type": "no-such-type"}, "unknown_message_type"),
        ({"content": {"text": "x"}, "mentions": ["nobody"]}, "invalid_party"),
        ({"content": {"text": "x"}, "reply_to": 77}, "target_unavailable"),
        ({"content": {"text": "x"}, "expires_in_ms": -1}, "invalid_params"),
        ({"content": {"text": "x"}, "n": "1"}, "invalid_params"),
    ],
)
def test_a_bad_message_changes_nothing(app: App, body: dict[str, Any], name: str) -> None:
    make_team(app)
    with app.acting("user/alice") as alice:
        answer = alice.post(M, json=body)
        assert answer.json()["name"] == name, answer.text
        assert answer.json()["applied"] is False
        assert alice.get("/v1/conversations/team").json()["head"] == 1


def test_content_nested_too_deeply_is_refused(app: App) -> None:
    make_team(app)
    for depth in (200, 2_000, 100_000):
        body = b'{"type":"custom","content":{"kind":"x","a":' + b"[" * depth + b"]" * depth + b"}}"
        with app.acting("user/alice") as alice:
            answer = alice.post(M, content=body, headers={"Content-Type": "application/json"})
        assert answer.status_code in (201, 400, 422), answer.text
        assert answer.status_code != 201 or depth == 200
    with app.acting() as system:
        assert system.get(M).status_code == 200


def test_nothing_secret_reaches_the_log(server: Running, app: App) -> None:
    token = app.token("user/alice")
    with app.as_client("user/alice") as alice, app.acting() as system, server.operator() as operator:
        alice.get("/v1/conversations", params={"token": token})
        system.get(f"/v1/{app.secret}")
        system.get("/v1/conversations", params={"secret": app.secret})
        operator.get("/v1/admin/apps")
    log = server.log.read_text()
    assert '"GET /v1/conversations 200"' in log
    for secret in (app.secret, token, server.admin, token.rpartition(".")[2]):
        assert secret not in log
