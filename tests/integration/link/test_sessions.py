"""Who may connect, and who is thrown out: fencing, revocation, tokens."""

from __future__ import annotations

import time

import pytest

from tests.integration.link.acts import group, history, texts
from tests.integration.link.conftest import Connect
from tests.integration.link.wire_client import Refused, WireClient
from tests.integration.rest.running import App
from trunkline.base.errors import Code
from trunkline.client import mint_token


def test_a_newer_hello_of_the_device_fences_the_older_connection(connect: Connect) -> None:
    old = connect("user/a", outbox="outbox-of-a")
    group(old, "g")
    new = connect("user/a", outbox="outbox-of-a")
    try:
        old.request("message.send", conversation="g", content={"text": "late"}, n=1)
    except OSError:
        pass  # the server has closed already
    assert old.closed() in (Code.SESSION_SUPERSEDED.close_code, 0)
    assert texts(history(new, "g")) == []


def test_the_older_connection_is_told_why(connect: Connect) -> None:
    old = connect("user/a")
    connect("user/a")
    assert old.closed() == 4210


@pytest.mark.parametrize("what", ["device", "party", "key"])
def test_a_revocation_closes_live_sessions_within_a_second(app: App, connect: Connect, what: str) -> None:
    a = connect("user/a", device="phone")
    with app.acting() as backend, app.acting() as other:
        began = time.monotonic()
        if what == "key":
            answer = other.delete(f"/v1/keys/{app.key}")
        else:
            body = {"party": "user/a"} | ({"device": "phone"} if what == "device" else {})
            answer = backend.post("/v1/tokens/revoke", json=body)
        assert answer.is_success, answer.text
        code = a.closed()
        assert time.monotonic() - began < 1.0
    codes = {"device": Code.DEVICE_REVOKED, "party": Code.TOKEN_REVOKED, "key": Code.KEY_REVOKED}
    assert code == codes[what].close_code


def test_tokens_that_do_not_hold_are_refused_with_their_codes(app: App, connect: Connect) -> None:
    now_s = time.time()
    connect("user/r")
    with app.acting() as backend:
        revoked = app.token("user/r")
        assert backend.post("/v1/tokens/revoke", json={"party": "user/r"}).is_success
    bad = {
        Code.TOKEN_EXPIRED: mint_token(app.key, app.secret, "user/a", 10, now_s=now_s - 600),
        Code.TOKEN_NOT_YET_VALID: mint_token(app.key, app.secret, "user/a", now_s=now_s + 600),
        Code.BAD_SIGNATURE: mint_token(app.key, "x" * 43, "user/a"),
        Code.TOKEN_GARBLED: "garbled",
        Code.UNKNOWN_KEY: mint_token("k_unknown", app.secret, "user/a"),
        Code.GRANT_MISSING: mint_token(app.key, app.secret, "user/a", grants={"video": {}}),
        Code.TOKEN_REVOKED: revoked,
    }
    for code, token in bad.items():
        with WireClient(app.server.url) as client:
            with pytest.raises(Refused) as caught:
                client.call("hello", token=token, device="d1")
            assert caught.value.code == code.number, (code, caught.value.error)
            assert client.closed() == code.close_code
