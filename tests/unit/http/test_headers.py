"""Rate limits, request ids, security headers, CORS, pages, health and metrics."""

from __future__ import annotations

import httpx
import pytest

from tests.unit.http.conftest import Connect
from tests.unit.http.registry import ADMIN_TOKEN, CLIENT_TOKEN, HISTORY, World
from trunkline.base.errors import Code
from trunkline.domain.limits import Rate
from trunkline.edges.http import AllowedOrigins, HttpConfig, Observation, RequestRates

M = "/v1/conversations/team/messages"


async def test_a_caller_sees_its_rate_and_is_refused_beyond_it(connect: Connect, world: World) -> None:
    rates = RequestRates(per_key=Rate(0.5, 2), per_party=Rate(0.5, 1))
    client = connect(rates=rates)

    seen = [await client.get(M) for _ in range(3)]

    assert [answer.status_code for answer in seen] == [200, 200, 429]
    assert [answer.headers["RateLimit-Remaining"] for answer in seen] == ["1", "0", "0"]
    assert {answer.headers["RateLimit-Limit"] for answer in seen} == {"2"}
    assert [answer.headers["RateLimit-Reset"] for answer in seen] == ["2", "4", "4"]
    assert (seen[2].headers["Retry-After"], seen[2].json()["retry_ms"]) == ("2", 2000)
    assert seen[2].json()["code"] == Code.RATE_LIMITED.number
    assert len(world.asked) == 2
    world.now_s += 2.0
    assert (await client.get(M)).status_code == 200


async def test_parties_have_their_own_buckets_and_rates_can_change(connect: Connect) -> None:
    rates = RequestRates(per_key=Rate(1, 1), per_party=Rate(1, 2))
    client = connect(rates=rates)
    user = {"headers": {"Authorization": f"Bearer {CLIENT_TOKEN}"}, "auth": None}

    statuses = [(await client.get(M, **user)).status_code for _ in range(3)]  # type: ignore[arg-type]
    assert statuses == [200, 200, 429]
    assert (await client.get(M)).status_code == 200
    assert (await client.get(M)).status_code == 429

    rates.configure(Rate(0, 1), Rate(0, 1))
    answer = await client.get(M)
    assert answer.status_code == 200
    assert "RateLimit-Limit" not in answer.headers


async def test_nothing_is_taken_from_a_bucket_without_credentials(connect: Connect) -> None:
    client = connect(rates=RequestRates(per_key=Rate(0.001, 1)))
    for _ in range(3):
        assert (await client.get(M, auth=("K1", "guess"))).status_code == 401

    assert (await client.get(M)).status_code == 200


@pytest.mark.parametrize(("given", "kept"), [("req-7.a_B", True), ("x" * 65, False), ("a b", False), ("", False)])
async def test_request_ids(client: httpx.AsyncClient, given: str, kept: bool) -> None:
    answer = await client.get(M, headers={"X-Request-Id": given})

    assert answer.headers["X-Request-Id"] == (given if kept else "r" * 12)


async def test_every_answer_is_dressed(client: httpx.AsyncClient) -> None:
    for path in (M, "/nowhere", "/docs/api", "/health/live"):
        headers = (await client.get(path)).headers
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert "default-src 'none'" in headers["Content-Security-Policy"]
        assert "Strict-Transport-Security" not in headers
    assert (await client.get(M)).headers["Cache-Control"] == "no-store"


async def test_requests_are_observed_by_their_template(connect: Connect) -> None:
    seen: list[Observation] = []
    client = connect(observe=seen.append)

    await client.get(M)
    await client.get("/nowhere/secret")

    assert [(one.method, one.route, one.status) for one in seen] == [
        ("GET", "/v1/conversations/{conversation}/messages", 200),
        ("GET", "unmatched", 404),
    ]


async def test_cors_is_off_by_default(client: httpx.AsyncClient) -> None:
    preflight = {"Origin": "https://app.example", "Access-Control-Request-Method": "POST"}
    answer = await client.options(M, headers=preflight)

    assert "Access-Control-Allow-Origin" not in answer.headers
    assert "Access-Control-Allow-Origin" not in (await client.get(M, headers=preflight)).headers


async def test_cors_allows_listed_origins_only(connect: Connect) -> None:
    client = connect(origins=AllowedOrigins(("https://app.example",)), auth=None)
    asked = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "authorization,idempotency-key"}

    allowed = await client.options(M, headers={"Origin": "https://app.example", **asked})
    refused = await client.options(M, headers={"Origin": "https://evil.example", **asked})
    failed = await client.get(M, headers={"Origin": "https://app.example"})

    assert allowed.headers["Access-Control-Allow-Origin"] == "https://app.example"
    assert "Access-Control-Allow-Credentials" not in allowed.headers
    assert "Access-Control-Allow-Origin" not in refused.headers
    assert (failed.status_code, failed.headers["Access-Control-Allow-Origin"]) == (401, "https://app.example")
    assert "RateLimit-Remaining" in failed.headers["Access-Control-Expose-Headers"]


async def test_a_page_leads_to_the_next(client: httpx.AsyncClient) -> None:
    answer = await client.get("/v1/conversations", params={"limit": 1, "after": "before&"})

    assert answer.headers["Link"] == '</v1/conversations?limit=1&after=cursor>; rel="next"'
    assert "Link" not in (await client.get("/v1/conversations/team/members")).headers


async def test_history_leads_on_by_seq(client: httpx.AsyncClient) -> None:
    assert "Link" not in (await client.get(M)).headers
    HISTORY.more = True
    try:
        forward = await client.get(M, params={"limit": 1, "from_seq": 3, "to_seq": 9})
        backward = await client.get(M, params={"limit": 1, "newest_first": "true"})
    finally:
        HISTORY.more = False

    assert forward.headers["Link"] == f'<{M}?limit=1&to_seq=9&from_seq=4>; rel="next"'
    assert backward.headers["Link"] == f'<{M}?limit=1&newest_first=true&to_seq=2>; rel="next"'


async def test_health(client: httpx.AsyncClient, world: World) -> None:
    assert (await client.get("/health/live", auth=None)).json() == {"status": "live"}
    ready = await client.get("/health/ready")
    world.checks.append(("disk", False, "no space"))
    failing = await client.get("/health/ready")

    assert (ready.status_code, ready.json()["ready"]) == (200, True)
    assert (failing.status_code, failing.json()["ready"]) == (503, False)
    assert failing.json()["checks"][1] == {"name": "disk", "ok": False, "detail": "no space"}


@pytest.mark.parametrize(
    ("address", "headers", "config", "status"),
    [
        ("127.0.0.1", {}, HttpConfig(), 200),
        ("::1", {}, HttpConfig(), 200),
        ("::ffff:127.0.0.1", {}, HttpConfig(), 200),
        ("203.0.113.9", {}, HttpConfig(), 401),
        ("203.0.113.9", {"Authorization": "Bearer wrong"}, HttpConfig(), 401),
        ("203.0.113.9", {"Authorization": f"Bearer {ADMIN_TOKEN}"}, HttpConfig(), 200),
        ("203.0.113.9", {}, HttpConfig(metrics_open=True), 200),
        ("203.0.113.9", {"X-Forwarded-For": "127.0.0.1"}, HttpConfig(), 401),
        ("127.0.0.1", {"X-Forwarded-For": "203.0.113.9"}, HttpConfig(), 401),
        ("127.0.0.1", {"Forwarded": "for=203.0.113.9"}, HttpConfig(), 401),
        ("127.0.0.1", {"X-Forwarded-For": "203.0.113.9"}, HttpConfig(trusted_proxies=("127.0.0.1",)), 401),
        ("127.0.0.1", {}, HttpConfig(trusted_proxies=("127.0.0.1",)), 200),
    ],
)
async def test_metrics_are_for_this_machine_and_the_operator(
    connect: Connect, address: str, headers: dict[str, str], config: HttpConfig, status: int
) -> None:
    answer = await connect(address, None, config=config).get("/metrics", headers=headers)

    assert answer.status_code == status
    assert (b"trunkline_up" in answer.content) == (status == 200)
