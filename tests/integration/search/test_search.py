"""Search over a real server: what is found, by whom, and what no longer is."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.integration.rest.running import App, serving
from tests.integration.search.finding import DEADLINE_S, every, ok, page, say, texts
from trunkline.client import Client


@pytest.fixture
def alice(app: App) -> Iterator[httpx.Client]:
    with app.acting("user/alice") as client:
        yield client


@pytest.fixture
def bob(app: App) -> Iterator[httpx.Client]:
    with app.as_client("user/bob") as client:
        yield client


@pytest.fixture
def team(app: App) -> str:
    """A group of alice (owner) and bob."""
    with app.acting() as system:
        ok(system.post("/v1/groups", json={"id": "team", "owner": "user/alice", "members": ["user/bob"]}), 201)
    return "team"


def test_words_phrases_beginnings_and_chinese_are_found_with_highlights(bob: httpx.Client, team: str) -> None:
    say(bob, team, "The quick brown fox")
    say(bob, team, "A quick answer: 我在中国工作")
    assert texts(bob, "quick") == ["A quick answer: 我在中国工作", "The quick brown fox"]
    assert texts(bob, '"quick brown"') == ["The quick brown fox"]
    assert texts(bob, "quick -fox") == ["A quick answer: 我在中国工作"]
    assert texts(bob, "bro*") == ["The quick brown fox"]
    assert texts(bob, "中国") == ["A quick answer: 我在中国工作"]
    assert texts(bob, "国工") == ["A quick answer: 我在中国工作"]
    assert texts(bob, "国中") == []
    (hit,) = every(bob, "中国 quick")
    assert [hit["text"][mark["start"] : mark["end"]] for mark in hit["highlights"]] == ["quick", "中国"]


def test_pages_are_newest_first_without_a_gap(bob: httpx.Client, team: str) -> None:
    sent = [say(bob, team, f"needle {number}") for number in range(23)]
    say(bob, team, "hay")
    found = [hit["entry"]["seq"] for hit in every(bob, "needle", limit=5)]
    assert found == sent[::-1]
    first = page(bob, "needle", limit=5)
    say(bob, team, "needle new")  # what is new does not move the pages
    second = page(bob, "needle", limit=5, after=first["next"])
    assert [hit["entry"]["seq"] for hit in second["hits"]] == sent[::-1][5:10]


def test_filters(app: App, alice: httpx.Client, bob: httpx.Client, team: str) -> None:
    say(alice, team, "filter one")
    say(bob, team, "filter two")
    name = {"url": "https://files.example/1", "name": "filter.pdf", "size_bytes": 1}
    ok(alice.post("/v1/conversations/team/messages", json={"type": "file", "content": name}), 201)
    direct = ok(alice.post("/v1/messages", json={"to": "user/bob", "content": {"text": "filter four"}}), 201)
    assert texts(bob, "filter") == ["filter four", "filter.pdf", "filter two", "filter one"]
    assert texts(bob, "filter", sender="user/alice") == ["filter four", "filter.pdf", "filter one"]
    assert texts(bob, "filter", types="file") == ["filter.pdf"]
    assert texts(bob, "filter", conversation=direct["conversation"]) == ["filter four"]
    at_ms = every(bob, '"filter two"')[0]["entry"]["at_ms"]
    timed = [hit["entry"]["at_ms"] for hit in every(bob, "filter", from_ms=at_ms)]
    assert timed and min(timed) >= at_ms
    assert "filter one" in texts(bob, "filter", to_ms=at_ms)
    assert texts(bob, "filter", from_ms=at_ms + 3_600_000) == []
    with app.acting() as system:
        assert texts(system, "filter") == ["filter four", "filter.pdf", "filter two", "filter one"]


def test_edits_recalls_deletions_and_erasure_are_respected(
    app: App, alice: httpx.Client, bob: httpx.Client, team: str
) -> None:
    edited = say(bob, team, "apple old")
    recalled = say(bob, team, "apple recalled")
    hidden = say(alice, team, "apple hidden")
    expiring = say(alice, team, "apple fleeting", expires_in_ms=200)
    assert len(texts(bob, "apple")) >= 3
    path = f"/v1/conversations/{team}/messages"
    ok(bob.patch(f"{path}/{edited}", json={"content": {"text": "apple fresh"}}))
    ok(bob.delete(f"{path}/{recalled}"))
    bob.post(f"/v1/conversations/{team}/hide", json={"seqs": [hidden]}).raise_for_status()
    assert texts(bob, "old") == []
    assert texts(bob, "fresh") == ["apple fresh"]
    assert "apple recalled" not in texts(bob, "apple")
    assert "apple hidden" not in texts(bob, "apple")
    assert "apple hidden" in texts(alice, "apple")
    deadline = time.monotonic() + DEADLINE_S
    while any(hit["entry"]["seq"] == expiring for hit in every(bob, "apple")):
        assert time.monotonic() < deadline
    with app.acting() as system:
        ok(system.delete("/v1/parties/user/bob"))
        assert texts(system, "fresh") == []
        assert texts(system, "apple") == ["apple hidden"]


def test_only_stays_are_searched_and_only_conversations_of_the_caller(
    app: App, alice: httpx.Client, bob: httpx.Client, team: str
) -> None:
    say(alice, team, "secret before")
    ok(alice.post(f"/v1/groups/{team}/members", json={"parties": ["user/carol"]}))
    during = say(alice, team, "secret during")
    with app.as_client("user/carol") as carol, app.as_client("user/eve") as eve:
        assert texts(carol, "secret") == ["secret during"]
        ok(carol.post(f"/v1/groups/{team}/leave"))
        say(alice, team, "secret after")
        ok(alice.patch(f"/v1/conversations/{team}/messages/{during}", json={"content": {"text": "secret changed"}}))
        assert texts(carol, "secret") == ["secret during"]
        assert texts(carol, "changed") == []
        assert texts(eve, "secret") == []
        refusal = eve.get("/v1/messages/search", params={"text": "secret", "conversation": team}).json()
        assert refusal["name"] == "not_member"
    assert texts(bob, "secret") == ["secret after", "secret changed", "secret before"]
    ok(alice.delete(f"/v1/groups/{team}"))
    assert texts(bob, "secret") == ["secret after", "secret changed", "secret before"]


@pytest.mark.parametrize(
    ("params", "name"),
    [
        ({"text": ""}, "invalid_query"),
        ({"text": '"open'}, "invalid_query"),
        ({"text": "a*"}, "invalid_query"),
        ({"text": "word", "after": "!"}, "invalid_page_cursor"),
        ({"text": "word", "after": "MS4x"}, "invalid_page_cursor"),
        ({"text": "word", "sender": "nobody"}, "invalid_party"),
        ({"text": "word", "conversation": "none"}, "not_found"),
        ({"text": "word", "limit": "0"}, "invalid_params"),
        ({}, "invalid_params"),
    ],
)
def test_bad_requests(bob: httpx.Client, params: dict[str, str], name: str) -> None:
    assert bob.get("/v1/messages/search", params=params).json()["name"] == name


def test_search_that_is_switched_on_later_reads_what_exists(tmp_path: Path) -> None:
    with serving(tmp_path) as off:
        app = off.create_app()
        with app.acting("user/a") as a:
            for number in range(30):
                ok(a.post("/v1/messages", json={"to": "user/b", "content": {"text": f"early {number}"}}), 201)
            assert a.get("/v1/messages/search", params={"text": "early"}).json()["name"] == "feature_disabled"
    with serving(tmp_path, SEARCH__ENABLED="true") as on:
        app.server = on
        with app.as_client("user/b") as b:
            assert texts(b, "early") == [f"early {number}" for number in reversed(range(30))]


async def test_the_sdk_searches_over_the_link(app: App, bob: httpx.Client, team: str) -> None:
    seq = say(bob, team, "from the 中国 office")
    assert texts(bob, "office") == ["from the 中国 office"]
    async with Client(app.server.url, app.token("user/alice"), device="phone") as alice:
        (hit,) = (await alice.search("中国 office", conversation=team)).hits
        assert (hit.entry.seq, [(mark.start, mark.end) for mark in hit.highlights]) == (seq, [(9, 11), (12, 18)])
        at_ms = hit.entry.at_ms
        assert (await alice.search("office", sender="user/alice")).hits == []
        assert (await alice.search("office", types=["file"])).hits == []
        assert (await alice.search("office", to_ms=at_ms - 1)).hits == []
        found = await alice.search("office", types=["text"], from_ms=at_ms, to_ms=at_ms)
        assert [other.entry.seq for other in found.hits] == [seq]
