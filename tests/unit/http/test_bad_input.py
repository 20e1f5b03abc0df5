"""Everything wrong gets a documented code, names what was wrong, and reaches no use case."""

from __future__ import annotations

import asyncio
import base64
from typing import Any, NamedTuple

import httpx
import pytest

from tests.unit.http.conftest import Connect
from tests.unit.http.registry import ADMIN_TOKEN, CLIENT_TOKEN, GUEST_TOKEN, World
from trunkline.base.errors import Code, TrunklineError
from trunkline.edges.http import HttpConfig

M = "/v1/conversations/team/messages"
JSON = {"Content-Type": "application/json"}


class Bad(NamedTuple):
    """A request and the error it must get."""

    name: str
    method: str
    path: str
    code: Code
    field: str = ""
    headers: dict[str, str] = {}
    content: bytes | None = None
    auth: Any = ("K1", "s3cret")


def basic(text: str) -> dict[str, str]:
    return {"Authorization": "Basic " + base64.b64encode(text.encode()).decode()}


BAD = [
    Bad("unknown path", "GET", "/v1/nothing", Code.UNKNOWN_RESOURCE),
    Bad("unknown path outside of v1", "GET", "/wp-login.php", Code.UNKNOWN_RESOURCE),
    Bad("trailing slash", "GET", "/v1/conversations/", Code.UNKNOWN_RESOURCE),
    Bad("empty path parameter", "GET", "/v1/conversations//messages", Code.UNKNOWN_RESOURCE),
    Bad("method of another path", "DELETE", M, Code.METHOD_NOT_ALLOWED),
    Bad("unheard-of method", "BREW", M, Code.METHOD_NOT_ALLOWED),
    Bad("method of a page", "POST", "/docs/api", Code.METHOD_NOT_ALLOWED),
    Bad("not JSON", "POST", M, Code.MALFORMED_BODY, headers=JSON, content=b"{"),
    Bad("two documents", "POST", M, Code.MALFORMED_BODY, headers=JSON, content=b"{} {}"),
    Bad("NaN", "POST", M, Code.MALFORMED_BODY, headers=JSON, content=b'{"content": NaN}'),
    Bad("not UTF-8", "POST", M, Code.MALFORMED_BODY, headers=JSON, content=b'{"type": "\xff"}'),
    Bad("lone surrogate", "POST", M, Code.MALFORMED_BODY, headers=JSON, content=b'{"type": "\\ud800"}'),
    Bad("nested without end", "POST", M, Code.MALFORMED_BODY, headers=JSON, content=b'{"content":' + b"[" * 50_000),
    Bad("an array", "POST", M, Code.INVALID_PARAMS, headers=JSON, content=b"[]"),
    Bad("null", "POST", M, Code.INVALID_PARAMS, headers=JSON, content=b"null"),
    Bad("wrong type", "POST", M, Code.INVALID_PARAMS, "n", JSON, b'{"n": "7"}'),
    Bad("out of range", "POST", M, Code.INVALID_PARAMS, "n", JSON, b'{"n": -1}'),
    Bad("beyond 2^53", "POST", M, Code.INVALID_PARAMS, "n", JSON, b'{"n": 9007199254740992}'),
    Bad("too long", "POST", M, Code.INVALID_PARAMS, "type", JSON, b'{"type": "' + b"x" * 65 + b'"}'),
    Bad("wrong element", "POST", M, Code.INVALID_PARAMS, "mentions[1]", JSON, b'{"mentions": ["*", 1]}'),
    Bad("missing field", "POST", "/v1/messages/forward", Code.INVALID_PARAMS, "source", JSON, b'{"seqs": [1]}'),
    Bad("nothing at all", "POST", "/v1/messages/forward", Code.INVALID_PARAMS, "source"),
    Bad(
        "missing field of an element",
        "POST",
        "/v1/messages/bulk",
        Code.INVALID_PARAMS,
        "messages[0].type",
        JSON,
        b'{"messages": [{"type": 5}]}',
    ),
    Bad(
        "element without content", "POST", "/v1/messages/bulk", Code.INVALID_CONTENT, "messages[1].content", JSON,
        b'{"messages": [{"content": {}}, {"to": "user/u1"}]}',
    ),
    Bad(
        "text as content", "POST", "/v1/messages/bulk", Code.INVALID_CONTENT, "messages[0].content", JSON,
        b'{"messages": [{"content": "{}"}]}',
    ),
    Bad("no content type", "POST", M, Code.UNSUPPORTED_MEDIA_TYPE, content=b"{}"),
    Bad("form", "POST", M, Code.UNSUPPORTED_MEDIA_TYPE, "", {"Content-Type": "multipart/form-data"}, b"{}"),
    Bad("nearly JSON", "POST", M, Code.UNSUPPORTED_MEDIA_TYPE, "", {"Content-Type": "application/jsonp"}, b"{}"),
    Bad("oversize", "POST", M, Code.OVERSIZE, headers=JSON, content=b" " * 70_000),
    Bad("path of the wrong type", "GET", f"{M}/first", Code.INVALID_PARAMS, "seq"),
    Bad("path out of range", "PATCH", f"{M}/0", Code.INVALID_PARAMS, "seq", JSON, b'{"content": {}}'),
    Bad("path too long", "GET", f"/v1/conversations/{'x' * 65}", Code.INVALID_PARAMS, "conversation"),
    Bad("query of the wrong type", "GET", f"{M}?limit=many", Code.INVALID_PARAMS, "limit"),
    Bad("query out of range", "GET", f"{M}?limit=501", Code.INVALID_PARAMS, "limit"),
    Bad("query twice", "GET", f"{M}?limit=1&limit=2", Code.INVALID_PARAMS, "limit"),
    Bad("query missing", "GET", "/v1/profiles", Code.INVALID_PARAMS, "parties"),
    Bad("truth of the wrong kind", "GET", f"{M}?newest_first=perhaps", Code.INVALID_PARAMS, "newest_first"),
    Bad("no credentials", "GET", M, Code.CREDENTIALS_MISSING, auth=None),
    Bad("no credentials for the operator", "GET", "/v1/admin/apps", Code.CREDENTIALS_MISSING, auth=None),
    Bad("unknown scheme", "GET", M, Code.CREDENTIALS_MISSING, "", {"Authorization": "Digest x"}, auth=None),
    Bad("scheme alone", "GET", M, Code.CREDENTIALS_MISSING, "", {"Authorization": "Bearer"}, auth=None),
    Bad("basic without base64", "GET", M, Code.SECRET_WRONG, "", {"Authorization": "Basic %%%"}, auth=None),
    Bad("basic without colon", "GET", M, Code.SECRET_WRONG, "", basic("K1"), auth=None),
    Bad("unknown key", "GET", M, Code.UNKNOWN_KEY, auth=("K9", "s3cret")),
    Bad("wrong secret", "GET", M, Code.SECRET_WRONG, auth=("K1", "guess")),
    Bad("garbled token", "GET", M, Code.TOKEN_GARBLED, "", {"Authorization": "Bearer x.y.z"}, auth=None),
    Bad(
        "endless token", "GET", M, Code.TOKEN_GARBLED, "", {"Authorization": "Bearer " + "x" * 20_000}, auth=None
    ),
    Bad("acting as nobody", "GET", M, Code.INVALID_PARTY, "Trunkline-Party", {"Trunkline-Party": "u1"}),
    Bad(
        "client acting as another",
        "GET",
        M,
        Code.FORGED_FIELD,
        "Trunkline-Party",
        {"Authorization": f"Bearer {CLIENT_TOKEN}", "Trunkline-Party": "user/u2"},
        auth=None,
    ),
    Bad(
        "client as server", "GET", "/v1/keys", Code.FORBIDDEN, "", {"Authorization": f"Bearer {CLIENT_TOKEN}"},
        auth=None,
    ),
    Bad(
        "guest as user", "POST", "/v1/groups", Code.GUEST_FORBIDDEN, "", {"Authorization": f"Bearer {GUEST_TOKEN}"},
        auth=None,
    ),
    Bad("server as operator", "GET", "/v1/admin/apps", Code.FORBIDDEN),
    Bad(
        "client as operator", "GET", "/v1/admin/apps", Code.TOKEN_GARBLED, "",
        {"Authorization": f"Bearer {CLIENT_TOKEN}"}, auth=None,
    ),
    Bad("operator as client", "GET", M, Code.TOKEN_GARBLED, "", {"Authorization": f"Bearer {ADMIN_TOKEN}"}, auth=None),
    Bad("empty idempotency key", "POST", M, Code.INVALID_PARAMS, "Idempotency-Key", {"Idempotency-Key": ""}),
    Bad("long idempotency key", "POST", M, Code.INVALID_PARAMS, "Idempotency-Key", {"Idempotency-Key": "k" * 129}),
    Bad("space in idempotency key", "POST", M, Code.INVALID_PARAMS, "Idempotency-Key", {"Idempotency-Key": "a b"}),
    Bad("half-quoted key", "POST", M, Code.INVALID_PARAMS, "Idempotency-Key", {"Idempotency-Key": '"a'}),
    Bad("empty quotes as key", "POST", M, Code.INVALID_PARAMS, "Idempotency-Key", {"Idempotency-Key": '""'}),
    Bad("control in idempotency key", "POST", M, Code.INVALID_PARAMS, "Idempotency-Key", {"Idempotency-Key": "a\tb"}),
]  # fmt: skip


@pytest.mark.parametrize("bad", BAD, ids=lambda bad: bad.name)
async def test_bad_requests(bad: Bad, connect: Connect, world: World) -> None:
    client = connect(auth=bad.auth, config=HttpConfig(max_body_bytes=65_536))

    answer = await client.request(bad.method, bad.path, headers=bad.headers, content=bad.content)

    problem = answer.json()
    assert (problem["code"], problem["name"]) == (bad.code.number, bad.code.slug), problem
    assert answer.status_code == problem["status"] == bad.code.http_status
    assert answer.headers["content-type"] == "application/problem+json"
    assert problem.get("field", "") == bad.field
    assert problem["type"] == f"/errors/{bad.code.slug}"
    assert problem["applied"] is False
    assert problem["retry"] == bad.code.retry.value
    assert problem["request_id"] == answer.headers["X-Request-Id"]
    assert len(problem["detail"]) > 10
    assert ("WWW-Authenticate" in answer.headers) == (answer.status_code == 401)
    assert ("Allow" in answer.headers) == (answer.status_code == 405)
    assert world.asked == []


async def test_allow_names_every_method_of_the_path(client: httpx.AsyncClient) -> None:
    answer = await client.put(M)

    assert answer.headers["Allow"] == "GET, HEAD, OPTIONS, POST"
    assert (await client.options(M)).headers["Allow"] == "GET, HEAD, OPTIONS, POST"


async def test_a_body_without_length_is_limited_too(connect: Connect, world: World) -> None:
    async def endless() -> Any:
        for _ in range(1000):
            yield b" " * 1000

    answer = await connect(config=HttpConfig(max_body_bytes=10_000)).post(M, headers=JSON, content=endless())

    assert answer.status_code == 413
    assert world.asked == []


async def test_unknown_fields_and_parameters_are_ignored(client: httpx.AsyncClient, world: World) -> None:
    sent = await client.post(M, json={"content": {"text": "x"}, "colour": "red"})
    read = await client.get(M, params={"limit": 5, "colour": "red"})

    assert (sent.status_code, read.status_code) == (201, 200)
    assert world.asked[1][2].limit == 5


async def test_a_missing_scope_is_named(client: httpx.AsyncClient, world: World) -> None:
    world.scopes = frozenset({"messages"})

    answer = await client.get("/v1/keys")

    assert (answer.status_code, answer.json()["code"]) == (403, Code.SCOPE_MISSING.number)
    assert "'keys'" in answer.json()["detail"]
    assert world.asked == []


async def test_a_refusal_of_a_use_case_is_told_once_it_is_settled(client: httpx.AsyncClient, world: World) -> None:
    world.refuse = TrunklineError(Code.NOT_MEMBER, "user/u1 left", field="conversation")

    answer = await client.get(M)

    assert (answer.status_code, answer.json()["detail"]) == (403, "user/u1 left")
    assert world.settled_after == [1]


async def test_a_defect_says_nothing_about_itself(
    client: httpx.AsyncClient, world: World, caplog: pytest.LogCaptureFixture
) -> None:
    world.crash = RuntimeError("the password is swordfish")

    answer = await client.get(M, headers={"X-Request-Id": "abc-1"})

    assert answer.status_code == 500
    assert "swordfish" not in answer.text
    assert answer.json()["applied"] is None
    assert answer.json()["request_id"] == "abc-1"
    assert [record.request_id for record in caplog.records if record.exc_info] == ["abc-1"]  # type: ignore[attr-defined]


async def test_logs_hold_no_credentials(client: httpx.AsyncClient, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG", "trunkline")

    await client.get(f"{M}?limit=1&access_token=hidden-in-url", headers={"Authorization": "Bearer hidden-token"})

    shown = " ".join(
        f"{record.getMessage()} {record.__dict__}" for record in caplog.records if "trunkline" in record.name
    )
    assert "/v1/conversations/{conversation}/messages" in shown
    assert "hidden" not in shown


async def test_a_commit_that_fails_is_told_as_such(client: httpx.AsyncClient, world: World) -> None:
    world.refuse_commit = TrunklineError(Code.DISK_FULL, "no space", retry_ms=2500)

    answer = await client.post(M, json={"content": {"text": "x"}})

    assert (answer.status_code, answer.json()["applied"], answer.headers["Retry-After"]) == (507, False, "3")


async def test_an_operation_that_hangs_is_answered(connect: Connect, world: World) -> None:
    world.before_answer = asyncio.Event()

    answer = await connect(config=HttpConfig(request_timeout_s=0.05)).get(M)

    assert (answer.status_code, answer.json()["code"]) == (504, Code.TIMED_OUT.number)
