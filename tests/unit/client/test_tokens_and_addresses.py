"""Tokens minted offline, and the addresses a client computes itself."""

from __future__ import annotations

import jwt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from trunkline.client.addresses import direct_conversation_id, is_party, link_url
from trunkline.client.tokens import claims_of, mint_token, obtain
from trunkline.domain.identity import direct_conversation_id as server_side_id

SECRET = "s" * 32
NAMES = st.from_regex(r"\A(?:user|device|bot|guest)/[A-Za-z0-9._~@+\-]{1,64}\Z")


@given(NAMES, NAMES)
def test_client_and_server_compute_the_same_direct_id(one: str, other: str):
    assert direct_conversation_id(one, other) == server_side_id(one, other) == direct_conversation_id(other, one)


def test_a_token_carries_what_it_was_minted_for():
    token = mint_token("k_1", SECRET, "user/u1", ttl_s=60, device="phone", grants={"im": {}, "video": {}}, now_s=1000)
    claims = jwt.decode(token, SECRET, algorithms=["HS256"], options={"verify_exp": False, "verify_iat": False})
    assert claims == {
        "iss": "k_1",
        "sub": "user/u1",
        "iat": 1000,
        "exp": 1060,
        "device": "phone",
        "grants": {"im": {}, "video": {}},
    }
    assert jwt.get_unverified_header(token)["alg"] == "HS256"
    assert claims_of(token) == ("user/u1", "phone")


def test_a_token_allows_messaging_and_binds_no_device_by_default():
    claims = jwt.decode(mint_token("k", SECRET, "user/u1"), SECRET, algorithms=["HS256"])
    assert claims["grants"] == {"im": {}}
    assert "device" not in claims
    assert claims["exp"] - claims["iat"] == 3600


def test_what_is_no_token_names_nobody():
    assert claims_of("garbage") == ("", "")


async def test_a_token_comes_from_a_string_a_function_or_an_async_function():
    async def later() -> str:
        return "c"

    assert [await obtain(source) for source in ("a", lambda: "b", later)] == ["a", "b", "c"]


@pytest.mark.parametrize(
    ("given_url", "expected"),
    [
        ("http://127.0.0.1:8080", "ws://127.0.0.1:8080/v1/link"),
        ("https://chat.example.com/", "wss://chat.example.com/v1/link"),
        ("wss://chat.example.com/v1/link", "wss://chat.example.com/v1/link"),
        ("https://example.com/chat/v1/link?zone=a", "wss://example.com/chat/v1/link?zone=a"),
    ],
)
def test_the_links_address_follows_from_the_servers(given_url: str, expected: str):
    assert link_url(given_url) == expected


@pytest.mark.parametrize("bad", ["chat.example.com", "ftp://x", "https://", ""])
def test_what_is_no_address_is_refused_with_an_example(bad: str):
    with pytest.raises(ValueError, match="https://chat"):
        link_url(bad)


def test_parties_have_a_slash_and_conversations_do_not():
    assert is_party("user/bob")
    assert not is_party("g.team")
