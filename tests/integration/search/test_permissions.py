"""Whatever happens in two apps, search finds exactly the texts that the caller's own history shows."""

from __future__ import annotations

import itertools

import httpx
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from tests.integration.rest.running import App, Running
from tests.integration.search.finding import every, ok, say, texts

PARTIES = ("user/a", "user/b", "user/c")
GROUPS = ("g1", "g2")
WORDS = ("red", "blue", "中国", "国工")
ACTS = st.tuples(
    st.sampled_from(("say", "say", "say", "edit", "recall", "hide", "invite", "leave", "dismiss")),
    st.integers(0, 1),
    st.sampled_from(PARTIES),
    st.sampled_from(GROUPS),
    st.lists(st.sampled_from(WORDS), min_size=1, max_size=2).map(" ".join),
    st.integers(1, 12),
)


def act(client: httpx.Client, kind: str, party: str, group: str, text: str, seq: int) -> None:
    """Try something; a refusal is as good as a success."""
    messages = f"/v1/conversations/{group}/messages"
    if kind == "say":
        answer = client.post(messages, json={"content": {"text": text}})
    elif kind == "edit":
        answer = client.patch(f"{messages}/{seq}", json={"content": {"text": text}})
    elif kind == "recall":
        answer = client.delete(f"{messages}/{seq}")
    elif kind == "hide":
        answer = client.post(f"/v1/conversations/{group}/hide", json={"seqs": [seq]})
    elif kind == "invite":
        answer = client.post(f"/v1/groups/{group}/members", json={"parties": list(PARTIES)})
    elif kind == "leave":
        answer = client.post(f"/v1/groups/{group}/leave")
    else:
        answer = client.delete(f"/v1/groups/{group}") if seq == 1 else client.get(messages)
    assert answer.status_code < 500, answer.text


def shown(client: httpx.Client) -> dict[tuple[str, int], str]:
    """What the history of every conversation shows the caller."""
    found: dict[tuple[str, int], str] = {}
    for group in GROUPS:
        answer = client.get(f"/v1/conversations/{group}/messages", params={"limit": 500})
        if answer.status_code != 200:
            continue
        for entry in answer.json()["entries"]:
            content = entry.get("content")
            if entry["type"] == "text" and content:
                found[group, entry["seq"]] = content["text"]
    return found


@settings(
    max_examples=12,
    deadline=None,
    phases=(Phase.explicit, Phase.reuse, Phase.generate),
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(st.lists(ACTS, min_size=4, max_size=25))
def test_search_finds_exactly_what_history_shows(
    server: Running, acts: list[tuple[str, int, str, str, str, int]]
) -> None:
    apps = (server.create_app(), server.create_app())
    clients = {(i, party): apps[i].acting(party) for i, party in itertools.product((0, 1), PARTIES)}
    try:
        for i, group in itertools.product((0, 1), GROUPS):
            made = {"id": group, "owner": "user/a", "members": ["user/b"]}
            ok(clients[i, "user/a"].post("/v1/groups", json=made), 201)
        for kind, i, party, group, text, seq in acts:
            act(clients[i, party], kind, party, group, text, seq)
        for client in clients.values():
            history = shown(client)
            for word in WORDS:
                expected = {place: text for place, text in history.items() if word in text.split()}
                hits = every(client, word, limit=3)
                found = {(hit["entry"]["conversation"], hit["entry"]["seq"]): hit["text"] for hit in hits}
                assert found == expected
                assert len(hits) == len(found)
                times = [hit["entry"]["at_ms"] for hit in hits]
                assert times == sorted(times, reverse=True)
    finally:
        for client in clients.values():
            client.close()


def test_channels_and_broadcasts_are_found_by_those_who_may_see_them(app: App) -> None:
    with app.acting() as server, app.as_client("user/a") as a, app.as_client("user/b") as b:
        created = {"id": "club", "owner": "user/a", "members": ["user/b"]}
        assert server.post("/v1/communities", json=created).status_code == 201
        assert a.post("/v1/communities/club/channels", json={"id": "talk"}).status_code == 201
        hidden = {"id": "staff", "everyone": {"deny": ["view"]}}
        assert a.post("/v1/communities/club/channels", json=hidden).status_code == 201
        say(a, "talk", "pelican in talk")
        say(a, "staff", "pelican in staff")
        assert server.post("/v1/broadcasts/conversations", json={"id": "news"}).status_code == 201
        assert server.put("/v1/tags", json={"parties": ["user/b"], "tags": ["vip"]}).status_code == 200
        for text, audience in (("pelican for vips", "vip"), ("pelican for others", "NOT vip")):
            sent = {"content": {"text": text}, "audience": audience}
            assert server.post("/v1/broadcasts/conversations/news/messages", json=sent).status_code == 201
        assert sorted(texts(a, "pelican")) == ["pelican for others", "pelican in staff", "pelican in talk"]
        assert sorted(texts(b, "pelican")) == ["pelican for vips", "pelican in talk"]
