"""What ends by itself while a connection stays: a token, a mute."""

from __future__ import annotations

import time

import pytest

from tests.integration.link.acts import group, refused, say, until
from tests.integration.link.conftest import Connect
from tests.integration.link.wire_client import Refused, WireClient
from tests.integration.rest.running import App
from trunkline.base.errors import Code
from trunkline.client import mint_token
from trunkline.crypto.tokens import CLOCK_SKEW_S

TTL_S = 2


def test_a_live_socket_closes_when_its_token_expires(app: App, connect: Connect) -> None:
    peer = connect("user/b")
    with WireClient(app.server.url) as client:
        minted_s = time.time()
        # Minted so long ago that only the end of the tolerated clock skew is left.
        token = mint_token(app.key, app.secret, "user/a", ttl_s=TTL_S, now_s=minted_s - CLOCK_SKEW_S)
        client.call("hello", token=token, device="d1")
        sent = client.call("message.send", to="user/b", content={"text": "while it lasts"})
        assert client.closed() == Code.TOKEN_EXPIRED.close_code
        lived_s = time.time() - minted_s
        # Tokens carry whole seconds, so up to one is lost to rounding; the sweep adds at most one.
        assert TTL_S - 1 <= lived_s < TTL_S + 3
    assert peer.push("entry", lambda e: e["seq"] == sent["seq"])["content"] == {"text": "while it lasts"}
    with WireClient(app.server.url) as late, pytest.raises(Refused) as refusal:
        older = mint_token(app.key, app.secret, "user/a", ttl_s=1, now_s=minted_s - CLOCK_SKEW_S - TTL_S)
        late.call("hello", token=older, device="d1")
    assert refusal.value.code == Code.TOKEN_EXPIRED.number
    with WireClient(app.server.url) as again:
        again.call("hello", token=app.token("user/a"), device="d1")
        assert say(again, sent["conversation"], "a fresh token goes on") == sent["seq"] + 1


def test_a_mute_ends_by_itself(connect: Connect) -> None:
    a, b = connect("user/a"), connect("user/b")
    group(a, "team", "user/b")
    until_ms = int(time.time() * 1000) + 1500
    a.call("member.change", conversation="team", party="user/b", muted_until_ms=until_ms)
    refused(Code.MUTED, b, "message.send", conversation="team", content={"text": "too early"})
    refusals = set()

    def speaks() -> bool:
        try:
            say(b, "team", "free")
        except Refused as still:
            refusals.add(still.code)
            return False
        return True

    until(speaks, "the mute ended")
    assert refusals - {Code.RATE_LIMITED.number} == {Code.MUTED.number}
    assert int(time.time() * 1000) >= until_ms
    assert a.push("entry", lambda e: e["sender"] == "user/b")["content"] == {"text": "free"}


@pytest.mark.parametrize("page", [1000, 333])
def test_members_of_a_large_group_are_listed_page_by_page(app: App, connect: Connect, page: int) -> None:
    everyone = {f"user/m{number}" for number in range(2500)} | {"user/boss"}
    parties = sorted(everyone - {"user/boss"})
    with app.acting() as server:
        made = server.post("/v1/groups", json={"id": "big", "owner": "user/boss", "members": parties[:900]})
        assert made.status_code == 201, made.text
        for first in range(900, len(parties), 800):
            added = server.post("/v1/groups/big/members", json={"parties": parties[first : first + 800]})
            assert added.status_code in (200, 201), added.text
    boss = connect("user/boss")
    found: list[str] = []
    after = ""
    while True:
        answer = boss.call("member.list", conversation="big", limit=page, after=after)
        assert answer["count"] == len(everyone)
        assert len(answer["members"]) <= page
        found += [member["party"] for member in answer["members"]]
        after = answer.get("next", "")
        if not after:
            break
    assert len(found) == len(everyone), "nobody twice"
    assert set(found) == everyone
    assert found[0] == "user/boss", "the owner comes first"


def test_history_of_a_dismissed_group_stays_readable_and_nothing_joins_it(connect: Connect) -> None:
    a, b, c = connect("user/a"), connect("user/b"), connect("user/c")
    group(a, "team", "user/b")
    kept = say(a, "team", "kept")
    ended = a.call("group.dismiss", conversation="team")["seq"]
    for client in (a, b):
        entries = client.call("history.get", conversation="team")["entries"]
        assert entries[-1]["seq"] == ended
        assert next(e for e in entries if e["seq"] == kept)["content"] == {"text": "kept"}
        refused(Code.DISMISSED, client, "message.send", conversation="team", content={"text": "late"})
    with pytest.raises(Refused):
        c.call("history.get", conversation="team")
    assert a.call("history.get", conversation="team")["entries"][-1]["seq"] == ended


def test_a_watcher_who_is_blocked_is_told_nothing(connect: Connect) -> None:
    friend, stranger = connect("user/friend"), connect("user/stranger")
    for watcher in (friend, stranger):
        watcher.call("presence.watch", parties=["user/b"])
    with_block = connect("user/b", device="phone")
    for watcher in (friend, stranger):
        watcher.push("presence", lambda p: p["online"])
    with_block.call("block.set", party="user/stranger")
    stranger.pushes.clear()
    friend.pushes.clear()
    with_block.socket.close()
    friend.push("presence", lambda p: not p["online"])
    again = connect("user/b", device="phone")
    friend.push("presence", lambda p: p["online"])
    again.call("conversation.list")
    stranger.call("conversation.list")  # whatever was pushed before this answer has arrived
    told = [data for event, data in stranger.pushes if event == "presence" and data["online"]]
    assert told == []
