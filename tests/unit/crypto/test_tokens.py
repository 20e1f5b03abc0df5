"""Client tokens: what is accepted, and the code of every refusal."""

from __future__ import annotations

import base64
import json
from typing import Any

import jwt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from trunkline.base.errors import Code, TrunklineError
from trunkline.base.secret import Secret
from trunkline.crypto import tokens

NOW_S = 1_800_000_000
SECRET = Secret("s" * 43)


def minted(**changes: Any) -> str:
    """A token that is right but for the changes; None leaves a claim out."""
    claims = {"iss": "k_1", "sub": "user/u1", "iat": NOW_S, "exp": NOW_S + 600, "grants": {"im": {}}} | changes
    return jwt.encode({k: v for k, v in claims.items() if v is not None}, SECRET.reveal(), algorithm="HS256")


def part(value: object) -> str:
    data = value if isinstance(value, bytes) else json.dumps(value).encode()
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def refusal(token: str, now_s: int = NOW_S, **options: Any) -> Code:
    with pytest.raises(TrunklineError) as caught:
        tokens.verify(token, SECRET, now_s, **options)
    assert SECRET.reveal() not in str(caught.value)
    return caught.value.code


def test_mint_and_verify_agree() -> None:
    token = tokens.mint("k_1", SECRET, "user/u1", now_s=NOW_S, lifetime_s=600, device="phone", grants={"video": {}})
    assert tokens.issuer_of(token) == "k_1"
    claims = tokens.verify(token, SECRET, NOW_S)
    assert (claims.iss, claims.sub, claims.iat, claims.exp) == ("k_1", "user/u1", NOW_S, NOW_S + 600)
    assert claims.device == "phone"
    assert claims.granted("video")
    assert not claims.granted("im")


def test_another_library_reads_our_token_and_we_read_its() -> None:
    ours = tokens.mint("k_1", SECRET, "user/u1", now_s=NOW_S, lifetime_s=600)
    options = {"verify_exp": False, "verify_iat": False}
    assert jwt.decode(ours, SECRET.reveal(), algorithms=["HS256"], options=options)["grants"] == {"im": {}}  # type: ignore[arg-type]
    assert tokens.verify(minted(jti="x", aud="someone", extra=[1]), SECRET, NOW_S).sub == "user/u1"


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"exp": NOW_S - 59, "iat": NOW_S - 600}, None),
        ({"exp": NOW_S - 60, "iat": NOW_S - 600}, None),
        ({"exp": NOW_S - 61, "iat": NOW_S - 600}, Code.TOKEN_EXPIRED),
        ({"iat": NOW_S + 59}, None),
        ({"iat": NOW_S + 60}, None),
        ({"iat": NOW_S + 61}, Code.TOKEN_NOT_YET_VALID),
        ({"nbf": NOW_S + 59}, None),
        ({"nbf": NOW_S + 61}, Code.TOKEN_NOT_YET_VALID),
    ],
)
def test_sixty_seconds_of_clock_skew_are_tolerated(changes: dict[str, int], code: Code | None) -> None:
    if code is None:
        assert tokens.verify(minted(**changes), SECRET, NOW_S).iss == "k_1"
    else:
        assert refusal(minted(**changes)) is code


@pytest.mark.parametrize(
    "changes",
    [
        {"iss": None},
        {"iss": ""},
        {"iss": 7},
        {"sub": None},
        {"sub": ""},
        {"iat": None},
        {"exp": None},
        {"exp": "soon"},
        {"exp": True},
        {"exp": NOW_S + 0.5},
        {"exp": 1 << 53},
        {"iat": -1},
        {"exp": NOW_S},
        {"exp": NOW_S - 1},
        {"device": "a b"},
        {"device": ""},
        {"device": "d" * 65},
        {"grants": ["im"]},
        {"nbf": "x"},
    ],
)
def test_claims_of_the_wrong_form_are_garbled(changes: dict[str, Any]) -> None:
    # PyJWT refuses to encode some of these, so the token is put together by hand.
    claims = {"iss": "k_1", "sub": "user/u1", "iat": NOW_S, "exp": NOW_S + 600} | changes
    payload = json.dumps({k: v for k, v in claims.items() if v is not None}).encode()
    assert refusal(jwt.PyJWS().encode(payload, SECRET.reveal(), algorithm="HS256")) is Code.TOKEN_GARBLED


@pytest.mark.parametrize(
    "token",
    [
        "",
        "x",
        "a.b",
        "a.b.c",
        "a.b.c.d",
        "....",
        "é.é.é",
        "\ud800",
        "{}",
        part({"alg": "HS256"}) + "." + part(b"not json") + "." + part(b"x"),
        part({"alg": "HS256"}) + ".!." + part(b"x"),
        part([]) + "." + part({}) + "." + part(b"x"),
        part(b"\xff") + "." + part({}) + "." + part(b"x"),
        part(b"[" * 3000) + "." + part({}) + "." + part(b"x"),
        part({"alg": "HS256", "crit": ["b64"], "b64": False}) + ".." + part(b"x"),
        "x" * 8193,
    ],
)
def test_what_is_no_token_is_garbled(token: str) -> None:
    with pytest.raises(TrunklineError) as caught:
        tokens.issuer_of(token)
    assert caught.value.code is Code.TOKEN_GARBLED
    assert refusal(token) in (Code.TOKEN_GARBLED, Code.BAD_SIGNATURE)


def test_only_hs256_with_the_right_secret_verifies() -> None:
    header, payload, signature = minted().split(".")
    claims = {"iss": "k_1", "sub": "user/u1", "iat": NOW_S, "exp": NOW_S + 600}
    forged = [
        f"{part({'alg': 'none', 'typ': 'JWT'})}.{payload}.",
        f"{part({'alg': 'None'})}.{payload}.{signature}",
        f"{part({'typ': 'JWT'})}.{payload}.{signature}",
        f"{part({'alg': 'HS512'})}.{payload}.{signature}",
        jwt.encode(claims, SECRET.reveal() * 2, algorithm="HS384"),
        jwt.encode(claims, "t" * 43, algorithm="HS256"),
        f"{header}.{part({**claims, 'sub': 'user/admin'})}.{signature}",
        f"{header}.{payload}.",
    ]
    assert [refusal(token) for token in forged] == [Code.BAD_SIGNATURE] * len(forged)


def test_a_bad_signature_is_reported_before_an_expired_token() -> None:
    expired = jwt.encode({"iss": "k_1", "sub": "user/u1", "iat": 1, "exp": 2}, "t" * 43, algorithm="HS256")
    assert refusal(expired) is Code.BAD_SIGNATURE


def test_a_longest_lifetime_can_be_demanded() -> None:
    assert tokens.verify(minted(), SECRET, NOW_S, max_lifetime_s=600).exp == NOW_S + 600
    assert refusal(minted(), max_lifetime_s=599) is Code.TOKEN_GARBLED


@pytest.mark.parametrize(
    ("grants", "granted"),
    [
        ({"im": {}}, True),
        ({"im": True}, True),
        ({"im": {"x": 1}}, True),
        ({}, False),
        ({"im": False}, False),
        ({"im": None}, False),
        ({"im": "no"}, False),
        ({"im": 1}, False),
        ({"video": {}}, False),
    ],
)
def test_a_grant_is_an_object_or_true(grants: dict[str, Any], granted: bool) -> None:
    assert tokens.verify(minted(grants=grants), SECRET, NOW_S).granted("im") is granted


@given(
    st.text(max_size=300)
    | st.lists(st.binary(max_size=60), min_size=3, max_size=3).map(lambda p: ".".join(map(part, p)))
)
def test_garbage_is_always_refused_with_a_code(token: str) -> None:
    assert refusal(token) in (Code.TOKEN_GARBLED, Code.BAD_SIGNATURE)


@given(st.integers(min_value=0), st.integers(min_value=1, max_value=255))
def test_a_changed_character_never_verifies(position: int, shift: int) -> None:
    token = minted()
    position %= len(token)
    changed = chr((ord(token[position]) + shift) % 256)
    damaged = token[:position] + changed + token[position + 1 :]
    if damaged != token:
        assert refusal(damaged) in (Code.TOKEN_GARBLED, Code.BAD_SIGNATURE)
