"""Forwarding headers are believed from configured proxies and from nobody else."""

from __future__ import annotations

import pytest

from tests.unit.http.conftest import Connect
from trunkline.edges.http import HttpConfig
from trunkline.edges.http.proxies import TrustedProxies, address_of, parse_networks

OUR = ("10.0.0.0/8", "::1")


async def resolved(peer: str, headers: dict[str, str], trusted: tuple[str, ...] = OUR) -> tuple[str, str]:
    seen = {}

    async def app(scope, receive, send):
        seen.update(scope)

    raw = [(name.lower().encode(), value.encode()) for name, value in headers.items()]
    scope = {"type": "http", "scheme": "http", "client": (peer, 1), "headers": raw}
    await TrustedProxies(app, trusted)(scope, None, None)  # type: ignore[arg-type]
    return seen["client"][0], seen["scheme"]


@pytest.mark.parametrize(
    ("peer", "forwarded", "client"),
    [
        ("10.1.1.1", "203.0.113.9", "203.0.113.9"),
        ("10.1.1.1", "6.6.6.6, 203.0.113.9", "203.0.113.9"),
        ("10.1.1.1", "6.6.6.6, 203.0.113.9, 10.2.2.2", "203.0.113.9"),
        ("10.1.1.1", "10.3.3.3, 10.2.2.2", "10.3.3.3"),
        ("10.1.1.1", "[2001:db8::1]:443", "2001:db8::1"),
        ("10.1.1.1", "203.0.113.9:5000", "203.0.113.9"),
        ("10.1.1.1", "6.6.6.6, nonsense", "10.1.1.1"),
        ("10.1.1.1", "", "10.1.1.1"),
        ("::ffff:10.1.1.1", "203.0.113.9", "203.0.113.9"),
        ("203.0.113.7", "127.0.0.1", "203.0.113.7"),
    ],
)
async def test_the_client_is_the_last_address_that_is_not_ours(peer: str, forwarded: str, client: str) -> None:
    assert (await resolved(peer, {"X-Forwarded-For": forwarded}))[0] == client


@pytest.mark.parametrize(
    ("peer", "proto", "scheme"),
    [
        ("10.1.1.1", "https", "https"),
        ("10.1.1.1", "http, https", "https"),
        ("10.1.1.1", "javascript", "http"),
        ("203.0.113.7", "https", "http"),
    ],
)
async def test_the_scheme(peer: str, proto: str, scheme: str) -> None:
    assert (await resolved(peer, {"X-Forwarded-Proto": proto}))[1] == scheme


async def test_nobody_is_trusted_by_default() -> None:
    assert await resolved("127.0.0.1", {"X-Forwarded-For": "1.2.3.4", "X-Forwarded-Proto": "https"}, ()) == (
        "127.0.0.1",
        "http",
    )


def test_a_proxy_that_is_no_address_is_a_mistake() -> None:
    with pytest.raises(ValueError, match=r"proxy\.example"):
        parse_networks(["proxy.example"])


def test_addresses() -> None:
    assert address_of("unknown") is None
    assert str(address_of("1.2.3.4:80")) == "1.2.3.4"
    assert str(address_of("::1")) == "::1"


@pytest.mark.parametrize(("trusted", "strict"), [(("203.0.113.0/24",), True), ((), False)])
async def test_https_at_a_trusted_proxy_is_https(connect: Connect, trusted: tuple[str, ...], strict: bool) -> None:
    client = connect(config=HttpConfig(trusted_proxies=trusted))

    answer = await client.get("/v1/conversations", headers={"X-Forwarded-Proto": "https"})

    assert ("Strict-Transport-Security" in answer.headers) == strict
