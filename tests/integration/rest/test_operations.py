"""Every operation over real sockets: what it answers, and what is true afterwards."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any, TypeVar

import httpx
import pytest

from tests.integration.files.uploading import upload
from tests.integration.rest.running import App, Running
from trunkline.client import Client

COVERED: set[str] = set()
Test = TypeVar("Test", bound=Callable[..., Any])


def covers(*operation_ids: str) -> Callable[[Test], Test]:
    """Say which operations a test is about."""
    COVERED.update(operation_ids)
    return lambda test: test


def ok(answer: httpx.Response, status: int = 200) -> Any:
    """The body of a success."""
    assert answer.status_code == status, answer.text
    return answer.json() if answer.content else None


def refused(answer: httpx.Response, name: str) -> Any:
    """The problem, which must be the named one."""
    problem = answer.json()
    assert problem["name"] == name, problem
    return problem


@pytest.fixture
def alice(app: App) -> Iterator[httpx.Client]:
    with app.acting("user/alice") as client:
        yield client


@pytest.fixture
def team(app: App) -> str:
    """A group of alice (owner), bob and carol."""
    with app.acting() as system:
        group = {"id": "team", "name": "Team", "owner": "user/alice", "members": ["user/bob", "user/carol"]}
        ok(system.post("/v1/groups", json=group), 201)
    return "/v1/conversations/team"


def say(client: httpx.Client, text: str, conversation: str = "team") -> int:
    sent = ok(client.post(f"/v1/conversations/{conversation}/messages", json={"content": {"text": text}}), 201)
    return int(sent["seq"])


def test_every_operation_of_the_server_has_a_test_here(server: Running) -> None:
    with server.client() as anyone:
        document = anyone.get("/v1/openapi.json").json()
    served = {operation["operationId"] for path in document["paths"].values() for operation in path.values()}
    assert len(served) > 45
    assert served <= COVERED


@covers("file.get", "file.list", "file.link", "file.delete")
def test_files(alice: httpx.Client) -> None:
    file = upload(alice, b"content", "notes.txt", filetype="text/plain")
    view = ok(alice.get(f"/v1/files/{file}"))
    assert (view["name"], view["mime"], view["size_bytes"]) == ("notes.txt", "text/plain", 7)
    assert ok(alice.get("/v1/files"))["files"] == [view]
    link = ok(alice.post(f"/v1/files/{file}/links", json={"ttl_s": 60}), 201)
    assert alice.get(link["url"]).content == b"content"
    ok(alice.delete(f"/v1/files/{file}"), 204)
    refused(alice.get(f"/v1/files/{file}"), "not_found")


@covers("message.send", "message.send.to", "history.get", "message.get")
def test_sending_and_reading(app: App, alice: httpx.Client, team: str) -> None:
    with app.as_client("user/bob") as bob:
        direct = ok(alice.post("/v1/messages", json={"to": "user/bob", "content": {"text": "hi"}}), 201)
        answer = ok(
            bob.post(f"/v1/conversations/{direct['conversation']}/messages", json={"content": {"text": "ho"}}), 201
        )
        read = ok(bob.get(f"/v1/conversations/{direct['conversation']}/messages"))
    texts = [(entry["sender"], entry["content"]["text"]) for entry in read["entries"] if entry["type"] == "text"]
    assert texts == [("user/alice", "hi"), ("user/bob", "ho")]
    assert (answer["seq"], read["head"]) == (direct["seq"] + 1, direct["seq"] + 1)

    in_group = alice.post(f"{team}/messages", json={"content": {"text": "all"}, "mentions": ["*"]})
    one = ok(alice.get(in_group.headers["Location"]))
    assert (one["content"], one["mentions"], one["sender"]) == ({"text": "all"}, ["*"], "user/alice")
    refused(alice.get(f"{team}/messages/99"), "not_found")
    with app.as_client("user/eve") as eve:
        refused(eve.get(f"{team}/messages"), "not_member")
        refused(eve.post(f"{team}/messages", json={"content": {"text": "x"}}), "not_member")


@covers("history.get")
def test_history_is_read_page_by_page_in_both_directions(alice: httpx.Client, team: str) -> None:
    for number in range(25):
        say(alice, str(number))

    def walk(query: str) -> list[int]:
        seqs, url = [], f"{team}/messages?limit=10{query}"
        while url:
            answer = alice.get(url)
            page = [entry["seq"] for entry in ok(answer)["entries"]]
            assert page == sorted(page)
            seqs += page
            url = answer.links.get("next", {}).get("url", "")
        return seqs

    assert walk("") == list(range(1, 27))
    backwards = walk("&newest_first=true")
    assert sorted(backwards) == list(range(1, 27))
    assert backwards[:10] == list(range(17, 27))
    assert walk("&from_seq=20&to_seq=24") == [20, 21, 22, 23, 24]
    assert walk(f"&from_ms={int(time.time() * 1000) + 60_000}") == []


@covers("message.bulk")
def test_bulk_sends_succeed_and_fail_one_by_one(app: App, alice: httpx.Client, team: str) -> None:
    messages = [
        {"conversation": "team", "content": {"text": "one"}},
        {"conversation": "nowhere", "content": {"text": "two"}},
        {"to": "user/bob", "content": {"text": "three"}},
        {"to": "user/bob", "type": "unheard-of", "content": {}},
    ]
    results = ok(alice.post("/v1/messages/bulk", json={"messages": messages}, headers={"Idempotency-Key": "b1"}))[
        "results"
    ]

    assert ["sent" in result for result in results] == [True, False, True, False]
    assert [result.get("error", "") for result in results] == ["", "not_found", "", "unknown_message_type"]
    again = alice.post("/v1/messages/bulk", json={"messages": messages}, headers={"Idempotency-Key": "b1"})
    assert (again.json()["results"], again.headers["Idempotent-Replayed"]) == (results, "true")
    with app.as_client("user/alice") as client:
        refused(client.post("/v1/messages/bulk", json={"messages": messages}), "forbidden")


@covers("room.create", "room.get", "room.configure", "room.close", "room.stats", "room.members", "room.send")
@covers("room.entries", "room.recall", "room.gifts", "room.attributes", "room.set_attribute", "room.delete_attribute")
def test_rooms_are_run_by_the_app_server(app: App) -> None:
    types = {"x.say": {"delivery": "reliable"}, "x.like": {"delivery": "coalesce"}}
    with app.acting() as server, app.as_client("user/ann") as ann:
        made = server.post("/v1/rooms", json={"id": "show", "host": "user/ann", "types": types})
        assert (made.status_code, made.headers["Location"]) == (201, "/v1/rooms/show")
        show = "/v1/rooms/show"
        ok(server.patch(show, json={"name": "Friday show", "capacity": 10}))
        seen = ok(ann.get(show))
        assert (seen["name"], seen["capacity"], seen.get("online", 0)) == ("Friday show", 10, 0)
        said = ok(server.post(f"{show}/messages", json={"type": "x.say", "content": {"text": "hi"}}), 201)
        ok(server.post(f"{show}/messages", json={"type": "x.like", "content": {}}), 201)
        read = ok(server.get(f"{show}/entries", params={"after": said["seq"] - 1}))
        assert [(item[0], item[3], item[4]) for item in read["items"]] == [("x.say", {"text": "hi"}, said["seq"])]
        assert ok(server.get(f"{show}/members"))["members"] == []
        assert ok(server.get(f"{show}/gifts")) | {"seq": 0} == {
            **{"conversation": "show", "seq": 0, "count": 0, "amount": 0, "givers": 0}
        }
        refused(server.get(f"{show}/gifts", params={"limit": 0}), "invalid_params")
        refused(server.get("/v1/rooms/none/gifts"), "not_found")
        song = ok(server.put(f"{show}/attributes/song", json={"value": "One", "version": 0}))
        refused(server.put(f"{show}/attributes/song", json={"value": "Two", "version": 0}), "version_conflict")
        assert ok(server.get(f"{show}/attributes"))["attributes"] == [song]
        assert ok(server.delete(f"{show}/attributes/song"))["attributes"] == []
        assert ok(ann.get(f"{show}/stats"))["types"]["x.say"]["received"] == 1
        refused(ann.post(f"{show}/messages", json={"type": "x.say", "content": {}}), "not_member")
        gone = f"{show}/messages/{said['seq']}"
        with app.as_client("user/eve") as eve:
            refused(eve.delete(gone), "forbidden")
        ok(ann.delete(gone))
        refused(ann.delete(gone), "target_unavailable")
        refused(ann.delete(f"{show}/messages/1"), "not_found")
        assert ok(server.get(f"{show}/entries", params={"after": said["seq"] - 1}))["items"][0][3] == {}
        ok(ann.delete(show))
        refused(server.get(show), "dismissed")


@covers("quiz.create", "quiz.get", "quiz.ask", "quiz.close", "quiz.answer", "quiz.revive", "quiz.grant", "quiz.end")
@covers("quiz.results")
def test_a_quiz_is_run_by_the_app_server_and_played_in_the_name_of_parties(app: App) -> None:
    with app.acting() as server, app.acting("user/ann") as ann, app.acting("user/bob") as bob:
        ok(server.post("/v1/rooms", json={"id": "show"}), 201)
        at = "/v1/rooms/show/quizzes"
        refused(server.get(f"{at}/current"), "not_found")
        rules = {"revivals": 1, "cards": 0}
        made = ok(server.post(at, json={"quiz": "q1", "title": "Friday", "rules": rules}), 201)
        assert made | {"seq": 0} == {"conversation": "show", "quiz": "q1", "seq": 0}
        refused(ann.post(f"{at}/q1/questions", json={}), "invalid_params")
        question = {"question": 1, "text": "Legs of a spider?", "options": ["6", "8"], "correct": [1]}
        ok(server.post(f"{at}/q1/questions", json=question), 201)
        assert ok(ann.post(f"{at}/q1/answers", json={"question": 1, "choice": 1}), 201)["choice"] == 1
        ok(bob.post(f"{at}/current/answers", json={"question": 1, "choice": 0}), 201)
        refused(bob.post(f"{at}/q1/answers", json={"question": 1, "choice": 1}), "already_answered")
        outcome = ok(server.post(f"{at}/q1/questions/1/close"))
        assert (outcome["tallies"], outcome["left"]) == ([1, 1], 1)
        refused(bob.post(f"{at}/q1/revival"), "no_revival")
        ok(server.put(f"{at}/q1/cards", json={"parties": ["user/bob"], "cards": 1}))
        ok(bob.post(f"{at}/q1/revival"))
        assert ok(bob.get(f"{at}/q1"))["me"]["out"] == 0
        ok(server.post(f"{at}/q1/end"))
        found = ok(server.get(f"{at}/q1/results", params={"limit": 1}))
        assert (found["players"], found["left"], found["next"]) == (2, 2, 1)
        assert found["places"][0]["party"] == "user/ann"


@covers("room.kick", "room.admit", "room.named", "room.role", "room.mute", "room.ban", "room.allow")
def test_a_room_remembers_who_is_named(app: App) -> None:
    with app.acting() as server, app.as_client("user/ann") as ann:
        ok(server.post("/v1/rooms", json={"id": "show"}), 201)
        refused(ann.put("/v1/rooms/show/roles", json={"parties": ["user/ann"], "role": "host"}), "forbidden")
        ok(server.put("/v1/rooms/show/roles", json={"parties": ["user/ann"], "role": "moderator"}))
        ok(ann.put("/v1/rooms/show/mutes", json={"parties": ["user/bob"], "until_ms": 2**52}))
        ok(ann.put("/v1/rooms/show/bans", json={"parties": ["user/eve"], "until_ms": 2**52}))
        ok(ann.put("/v1/rooms/show/allowed", json={"parties": ["user/dan"], "on": True}))
        named = {n["party"]: n for n in ok(ann.get("/v1/rooms/show/named"))["parties"]}
        assert sorted(named) == ["user/ann", "user/bob", "user/dan", "user/eve"]
        assert named["user/bob"]["muted_until_ms"] == named["user/eve"]["banned_until_ms"] == 2**52
        assert named["user/dan"]["allowed"] is True
        for path in ("kick", "admit"):
            assert ok(ann.post(f"/v1/rooms/show/{path}", json={"parties": ["user/zoe"]}))["parties"] == []


@covers("webhook.create", "webhook.list", "webhook.get", "webhook.update", "webhook.delete")
@covers("webhook.rotate", "webhook.replay", "webhook.backlog", "event.list")
def test_webhooks_are_made_changed_and_deleted(app: App) -> None:
    with app.acting() as api:
        made = api.post("/v1/webhooks", json={"url": "https://hooks.invalid/a", "events": ["members.*"]})
        one = ok(made, 201)
        path = made.headers["Location"]
        assert one["secret"].startswith("whsec_")
        shown = {name: value for name, value in one.items() if name != "secret"}
        assert ok(api.get("/v1/webhooks")) == {"webhooks": [shown]}
        assert ok(api.get(path)) == shown
        assert ok(api.patch(path, json={"description": "settles red packets"}))["description"] == "settles red packets"
        fresh = ok(api.post(f"{path}/secret", json={"overlap_s": 60}))
        assert fresh["secret"] != one["secret"] and fresh["secret_generation"] == 2
        assert ok(api.post(f"{path}/replay", json={"now": True}))["state"] == "running"
        assert ok(api.get(f"{path}/backlog"))["waiting"] == 0
        assert ok(api.get("/v1/events"))["events"] == []
        assert api.delete(path).status_code == 204
        refused(api.get(path), "not_found")


def test_bad_webhooks_have_codes_and_change_nothing(app: App) -> None:
    good = {"url": "https://hooks.invalid/a"}
    with app.acting() as api:
        path = api.post("/v1/webhooks", json=good).headers["Location"]
        before = ok(api.get("/v1/webhooks"))
        for url in (
            "http://hooks.invalid/a",
            "ftp://hooks.invalid/a",
            "https://",
            "https://user:word@hooks.invalid/",
            "https://hooks.invalid/a#b",
            "https://hooks.invalid:0/",
            "https://hooks.invalid/a b",
            "https://[::1",
        ):
            refused(api.post("/v1/webhooks", json={"url": url}), "invalid_params")
            refused(api.patch(path, json={"url": url}), "invalid_params")
        for host in (
            "127.0.0.1",
            "10.0.0.1",
            "169.254.169.254",
            "[::1]",
            "[::ffff:127.0.0.1]",
            "[64:ff9b::7f00:1]",
            "0.0.0.0",
            "224.0.0.1",
        ):
            refused(api.post("/v1/webhooks", json={"url": f"https://{host}/a"}), "address_forbidden")
        bad: tuple[dict[str, Any], ...] = (
            good | {"events": ["message.sung"]},
            good | {"events": []},
            good | {"kinds": ["party"]},
            good | {"prefix": "a" * 65},
            good | {"mode": "before_send"},
            good | {"on_failure": "accept"},
            good | {"mode": "before_send", "on_failure": "accept", "deadline_ms": 1},
            good | {"mode": "sideways"},
        )
        for body in bad:
            refused(api.post("/v1/webhooks", json=body), "invalid_params")
        refused(api.patch(path, json={"deadline_ms": 500}), "invalid_params")
        for place in ({}, {"now": True, "lsn": 1}, {"lsn": 0}, {"lsn": 10**12}):
            refused(api.post(f"{path}/replay", json=place), "invalid_params")
        refused(api.post(f"{path}/secret", json={"overlap_s": -1}), "invalid_params")
        refused(api.get("/v1/events", params={"after": "nonsense"}), "invalid_page_cursor")
        refused(api.get("/v1/events", params={"after": "1-ffffffffffff-0"}), "invalid_page_cursor")
        refused(api.get("/v1/events", params={"after": "1-1-0"}), "events_gone")
        refused(api.get("/v1/events", params={"events": "message.sung"}), "invalid_params")
        assert ok(api.get("/v1/webhooks")) == before
        for _ in range(19):
            ok(api.post("/v1/webhooks", json=good), 201)
        refused(api.post("/v1/webhooks", json=good), "limit_exceeded")
        narrow = ok(api.post("/v1/keys", json={"scopes": ["messages"], "overlap_s": 3600}), 201)
    with app.server.client((narrow["key"], narrow["secret"])) as narrow_key:
        refused(narrow_key.get("/v1/webhooks"), "scope_missing")
    with app.as_client("user/alice") as client:
        refused(client.get("/v1/events"), "forbidden")


@covers("live.join")
def test_a_place_in_a_live_session(app: App, team: str) -> None:
    with app.as_client("user/bob") as bob, app.as_client("user/eve") as eve:
        place = ok(bob.post(f"{team}/live", json={}))
        assert (place["room"], place["identity"]) == ("team", "user/bob")
        refused(eve.post(f"{team}/live", json={}), "not_member")


@covers("card.create", "card.create.to", "card.get", "card.list", "card.act")
def test_cards(app: App, alice: httpx.Client, team: str) -> None:
    poll = {"kind": "poll", "data": {"question": "Lunch?", "options": ["rice", "noodles"]}}
    seq = ok(alice.post(f"{team}/cards", json=poll), 201)["seq"]
    ok(alice.post("/v1/cards", json={"to": "user/bob", **poll}), 201)
    with app.acting("user/bob") as bob:
        ok(bob.post(f"{team}/cards/{seq}/actions", json={"action": "vote", "value": {"choices": [1]}}))
    assert ok(alice.get(f"{team}/cards/{seq}"))["summary"] == {"votes": [0, 1], "voters": 1}
    assert [card["seq"] for card in ok(alice.get(f"{team}/cards"))["cards"]] == [seq]
    refused(alice.post(f"{team}/cards/{seq}/actions", json={"action": "dance"}), "unknown_card_action")
    refused(alice.post(f"{team}/cards", json={"kind": "tarot", "data": {}}), "unknown_card_action")
    refused(alice.get(f"{team}/cards/1"), "not_found")


@covers("message.forward")
def test_forwarding(alice: httpx.Client, team: str) -> None:
    seqs = [say(alice, "one"), say(alice, "two")]
    request = {"source": "team", "seqs": seqs, "to": "user/bob"}

    copies = ok(alice.post("/v1/messages/forward", json=request))["sent"]
    merged = ok(alice.post("/v1/messages/forward", json=request | {"merged": True, "title": "Both"}))["sent"]

    assert (len(copies), len(merged)) == (2, 1)
    shown = ok(alice.get(f"/v1/conversations/{merged[0]['conversation']}/messages/{merged[0]['seq']}"))
    assert shown["type"] == "forward"
    assert [entry["content"]["text"] for entry in shown["content"]["entries"]] == ["one", "two"]


@covers(
    "message.edit", "message.recall", "message.react", "message.react.undo", "message.pin", "message.unpin", "pin.list"
)
def test_changing_messages(app: App, alice: httpx.Client, team: str) -> None:
    seq = say(alice, "frist")
    message = f"{team}/messages/{seq}"
    ok(alice.patch(message, json={"content": {"text": "first"}}))
    ok(alice.put(f"{message}/reactions/%F0%9F%91%8D"))
    ok(alice.put(f"{message}/pin"))

    now = ok(alice.get(message))["now"]
    assert now["content"] == {"text": "first"}
    assert now["reactions"] == {"👍": ["user/alice"]}
    assert now["pinned"] is True
    assert [entry["seq"] for entry in ok(alice.get(f"{team}/pins"))["entries"]] == [seq]

    with app.as_client("user/bob") as bob:
        refused(bob.patch(message, json={"content": {"text": "mine"}}), "forbidden")
        refused(bob.delete(message), "forbidden")

    ok(alice.delete(f"{message}/reactions/%F0%9F%91%8D"))
    ok(alice.delete(f"{message}/pin"))
    ok(alice.delete(message))
    gone = ok(alice.get(message))
    assert gone["now"]["recalled"] is True
    assert "first" not in str(gone)
    assert ok(alice.get(f"{team}/pins"))["entries"] == []
    refused(alice.patch(message, json={"content": {"text": "back"}}), "target_unavailable")


@covers("message.hide")
def test_hiding_is_for_oneself(app: App, alice: httpx.Client, team: str) -> None:
    seq = say(alice, "hidden from me")

    ok(alice.post(f"{team}/hide", json={"seqs": [seq]}), 204)

    assert ok(alice.get(f"{team}/messages/{seq}"))["type"] == "placeholder"
    with app.acting("user/bob") as bob:
        assert ok(bob.get(f"{team}/messages/{seq}"))["type"] == "text"


@covers(
    "community.create",
    "community.get",
    "community.permit",
    "community.ban",
    "community.unban",
    "category.set",
    "category.delete",
    "channel.create",
    "channel.list",
    "channel.update",
    "channel.delete",
    "usergroup.set",
    "usergroup.delete",
    "usergroup.assign",
)
def test_communities(app: App, alice: httpx.Client) -> None:
    where = "/v1/communities/club"
    made = alice.post("/v1/communities", json={"id": "club", "name": "Club", "members": ["user/bob"]})
    ok(made, 201)
    assert ok(alice.get(made.headers["Location"]))["name"] == "Club"
    ok(alice.put(f"{where}/groups/staff", json={"allow": ["mention_all"]}))
    ok(alice.post(f"{where}/groups/staff/members", json={"add": ["user/bob"]}))
    ok(alice.put(f"{where}/categories/main", json={"name": "Main"}))
    channel = {"id": "talk", "name": "Talk", "category": "main", "groups": {"staff": {"allow": ["ban"]}}}
    ok(alice.post(f"{where}/channels", json=channel), 201)
    say(alice, "hello", "talk")
    with app.as_client("user/bob") as bob:
        (talk,) = ok(bob.get(f"{where}/channels"))["channels"]
        assert (talk["conversation"], talk["unread"], talk["community"]) == ("talk", 1, "club")
        seen = ok(bob.get(where))
        assert seen["permissions"] == ["mention_all", "send", "view"]
        assert seen["channels"][0]["permissions"] == ["ban", "mention_all", "send", "view"]
        ok(alice.put(f"{where}/everyone", json={"everyone": {"allow": ["view"], "deny": ["send"]}}))
        refused(bob.post("/v1/conversations/talk/messages", json={"content": {"text": "x"}}), "forbidden")
        ok(alice.patch("/v1/channels/talk", json={"everyone": {"allow": ["send"]}}))
        say(bob, "again", "talk")
        ok(alice.put(f"{where}/bans/user/bob"))
        refused(bob.get("/v1/conversations/talk/messages"), "not_member")
    assert ok(alice.get(where))["bans"] == ["user/bob"]
    ok(alice.delete(f"{where}/bans/user/bob"))
    ok(alice.delete(f"{where}/categories/main"))
    ok(alice.delete(f"{where}/groups/staff"))
    ok(alice.delete("/v1/channels/talk"))
    left = ok(alice.get(where))
    assert [left.get(name, []) for name in ("channels", "categories", "groups", "bans")] == [[], [], [], []]


@covers(
    "broadcast.create",
    "broadcast.update",
    "broadcast.send",
    "broadcast.list",
    "broadcast.get",
    "broadcast.cancel",
    "tags.set",
    "tags.get",
)
def test_broadcasts(app: App) -> None:
    where = "/v1/broadcasts/conversations/news"
    with app.acting() as server, app.as_client("user/bob") as bob:
        ok(server.post("/v1/broadcasts/conversations", json={"id": "news"}), 201)
        ok(server.patch(where, json={"name": "News"}))
        assert ok(server.put("/v1/tags", json={"parties": ["user/bob"], "tags": ["vip"]})) == {"changed": 1}
        assert ok(server.get("/v1/parties/user/bob/tags")) == {"party": "user/bob", "tags": ["vip"]}
        sent = server.post(f"{where}/messages", json={"content": {"text": "hi"}, "audience": "vip"})
        assert ok(sent, 201)["status"] == "sent"
        assert ok(server.get(sent.headers["Location"]))["seq"] == sent.json()["seq"]
        (view,) = ok(bob.get("/v1/sync"))["conversations"]
        assert (view["name"], view["unread"], view["kind"]) == ("News", 1, "broadcast")
        later = {"content": {"text": "later"}, "send_at_ms": int(time.time() * 1000) + 3_600_000}
        planned = ok(server.post(f"{where}/messages", json=later), 201)["broadcast"]
        assert ok(server.delete(f"/v1/broadcasts/{planned}"))["status"] == "cancelled"
        listed = ok(server.get(f"{where}/messages"))["broadcasts"]
        assert sorted(row["status"] for row in listed) == ["cancelled", "sent"]
        refused(bob.post(f"{where}/messages", json={"content": {"text": "x"}}), "forbidden")


@covers(
    "thread.list", "thread.changes", "thread.get", "thread.history", "thread.read", "thread.follow", "thread.unfollow"
)
def test_threads(app: App, alice: httpx.Client, team: str) -> None:
    root = say(alice, "topic")
    with app.acting("user/bob") as bob:
        sent = [ok(bob.post(f"{team}/messages", json={"content": {"text": "r"}, "thread": root}), 201)["seq"]]
        sent.append(ok(bob.post(f"{team}/messages", json={"content": {"text": "s"}, "thread": root}), 201)["seq"])

        one = ok(alice.get(f"{team}/threads/{root}"))
        assert (one["replies"], one["unread"], one["participants"]) == (2, 2, ["user/bob"])
        replies = ok(alice.get(f"{team}/threads/{root}/replies", params={"limit": 1}))
        assert [entry["seq"] for entry in replies["entries"]] == sent[:1] and replies["more"]
        assert ok(alice.put(f"{team}/threads/{root}/cursor", json={"read": sent[0]}))["unread"] == 1
        assert [row["thread"] for row in ok(alice.get("/v1/threads"))["threads"]] == [root]
        marks = ok(alice.get("/v1/threads/changes"))["marks"]
        assert marks == [{"conversation": "team", "thread": root, "following": True, "read": sent[0]}]

        assert "following" not in ok(bob.delete(f"{team}/threads/{root}/follow"))
        assert ok(bob.get("/v1/threads"))["threads"] == []
        assert ok(bob.put(f"{team}/threads/{root}/follow"))["following"] is True
    refused(alice.get(f"{team}/threads/{sent[0]}"), "not_found")


@covers("cursor.move", "receipt.get", "conversation.get", "conversation.list", "conversation.configure", "sync")
def test_cursors_counts_and_the_list(app: App, alice: httpx.Client, team: str) -> None:
    seq = say(alice, "read me")
    with app.as_client("user/bob") as bob:
        before = ok(bob.get(team))
        listed = ok(bob.get("/v1/conversations"))
        moved = ok(bob.put(f"{team}/cursor", json={"delivered": seq, "read": seq}))
        after = ok(bob.get(team))
        changed = ok(bob.patch(f"{team}/settings", json={"pinned": True, "draft": "Dear"}))
        synced = ok(bob.get("/v1/sync"))
        again = ok(bob.get("/v1/sync", params={"epoch": synced["epoch"], "pts": synced["pts"]}))

    assert (before["unread"], listed["unread_total"], moved["unread"], after.get("unread", 0)) == (1, 1, 0, 0)
    assert [view["conversation"] for view in listed["conversations"]] == ["team"]
    assert changed["settings"] == {"pinned": True, "draft": "Dear"}
    assert [view["conversation"] for view in synced["conversations"]] == ["team"]
    assert again.get("conversations", []) == []
    receipt = ok(alice.get(f"{team}/messages/{seq}/receipt"))
    assert (receipt["audience"], receipt["read"], receipt["readers"]) == (2, 1, ["user/bob"])


@covers("conversation.list")
def test_the_conversation_list_has_pages(alice: httpx.Client) -> None:
    for name in "abcdefg":
        ok(alice.post("/v1/messages", json={"to": f"user/{name}", "content": {"text": name}}), 201)
    peers, url = [], "/v1/conversations?limit=3"
    while url:
        answer = alice.get(url)
        peers += [view["peer"] for view in ok(answer)["conversations"]]
        url = answer.links.get("next", {}).get("url", "")
    assert peers == [f"user/{name}" for name in "gfedcba"]


@covers("group.create", "group.update", "group.transfer", "group.dismiss", "group.join", "group.leave")
def test_groups_live_and_end(app: App, alice: httpx.Client, team: str) -> None:
    refused(alice.post("/v1/groups", json={"id": "team"}), "already_exists")
    made = alice.post("/v1/groups", json={"members": ["user/bob"]})
    assert ok(made, 201)["conversation"].startswith("g.")
    assert ok(alice.get(made.headers["Location"]))["member_count"] == 2

    ok(alice.patch("/v1/groups/team", json={"name": "New name", "join": "open"}))
    assert ok(alice.get(team))["name"] == "New name"
    with app.as_client("user/dave") as dave, app.as_client("user/bob") as bob:
        refused(bob.patch("/v1/groups/team", json={"name": "Bob's"}), "forbidden")
        ok(dave.post("/v1/groups/team/join"))
        assert ok(dave.get(team))["role"] == "member"
        ok(dave.post("/v1/groups/team/leave"))
        refused(dave.post(f"{team}/messages", json={"content": {"text": "still here?"}}), "not_member")
        ok(alice.put("/v1/groups/team/owner", json={"party": "user/bob"}))
        assert ok(bob.get(team))["role"] == "owner"
        ok(bob.delete("/v1/groups/team"))
        refused(bob.post(f"{team}/messages", json={"content": {"text": "after"}}), "dismissed")


@covers("group.invite", "group.kick", "group.kick.one", "member.change", "member.list")
def test_members_come_and_go(app: App, alice: httpx.Client, team: str) -> None:
    parties = [f"user/n{number}" for number in range(5)]
    assert ok(alice.post("/v1/groups/team/members", json={"parties": parties}))["changed"] == parties
    assert ok(alice.post("/v1/groups/team/members/remove", json={"parties": parties[:2]}))["changed"] == parties[:2]
    assert ok(alice.delete("/v1/groups/team/members/user/n2"))["changed"] == ["user/n2"]
    ok(alice.patch("/v1/groups/team/members/user/bob", json={"role": "admin"}))
    until_ms = int(time.time() * 1000) + 3_600_000
    ok(alice.patch("/v1/groups/team/members/user/carol", json={"muted_until_ms": until_ms}))

    members, url = [], f"{team}/members?limit=2"
    while url:
        answer = alice.get(url)
        members += [(member["party"], member["role"]) for member in ok(answer)["members"]]
        url = answer.links.get("next", {}).get("url", "")
    assert members == [
        ("user/alice", "owner"),
        ("user/bob", "admin"),
        ("user/carol", "member"),
        ("user/n3", "member"),
        ("user/n4", "member"),
    ]
    with app.as_client("user/carol") as carol:
        refused(carol.post(f"{team}/messages", json={"content": {"text": "mmm"}}), "muted")


@covers("profile.set", "profile.get", "profile.search")
def test_profiles(app: App, alice: httpx.Client) -> None:
    ok(alice.patch("/v1/profile", json={"name": "Alice Liddell", "custom": {"team": "red"}}))
    with app.as_client("user/bob") as bob:
        ok(bob.patch("/v1/profile", json={"name": "Bob"}))
        known = ok(bob.get("/v1/profiles", params={"parties": ["user/alice", "user/nobody"]}))["profiles"]
        refused(bob.get("/v1/profiles/search", params={"text": "a"}), "forbidden")
    assert [(profile["party"], profile["name"]) for profile in known] == [("user/alice", "Alice Liddell")]
    with app.acting() as system:
        found = ok(system.get("/v1/profiles/search", params={"text": "liddell"}))["profiles"]
        by_field = ok(system.get("/v1/profiles/search", params={"field": "team", "value": "red"}))["profiles"]
    assert [profile["party"] for profile in found] == [profile["party"] for profile in by_field] == ["user/alice"]


@covers("block.set", "block.undo", "block.list")
def test_blocking(app: App, alice: httpx.Client) -> None:
    with app.as_client("user/bob") as bob:
        assert ok(alice.put("/v1/blocks/user/bob"))["blocked"] == ["user/bob"]
        refused(bob.post("/v1/messages", json={"to": "user/alice", "content": {"text": "hello?"}}), "blocked")
        assert ok(alice.get("/v1/blocks"))["blocked"] == ["user/bob"]
        assert ok(alice.delete("/v1/blocks/user/bob"))["blocked"] == []
        ok(bob.post("/v1/messages", json={"to": "user/alice", "content": {"text": "hello"}}), 201)


@covers("presence.get", "device.list", "device.revoke", "token.revoke")
async def test_presence_devices_and_tokens(app: App, alice: httpx.Client) -> None:
    def online(party: str) -> list[list[str]]:
        return [one["devices"] for one in ok(alice.get(f"/v1/presence?parties={party}"))["presences"] if one["online"]]

    assert online("user/alice") == []
    async with Client(app.server.url, app.token("user/alice"), device="phone") as connected:
        await connected.online()
        assert online("user/alice") == [["phone"]]
    devices = ok(alice.get("/v1/devices"))["devices"]
    assert [device["device"] for device in devices] == ["phone"]
    refused(alice.delete("/v1/devices/tablet"), "not_found")

    with app.as_client("user/alice", "phone") as phone, app.as_client("user/bob") as bob, app.acting() as system:
        ok(phone.get("/v1/conversations"))
        ok(alice.delete("/v1/devices/phone"), 204)
        refused(phone.get("/v1/conversations"), "device_revoked")
        ok(bob.get("/v1/conversations"))
        ok(system.post("/v1/tokens/revoke", json={"party": "user/bob"}), 204)
        refused(bob.get("/v1/conversations"), "token_revoked")


@covers("party.export", "party.erase")
def test_export_and_erasure(app: App, alice: httpx.Client, team: str) -> None:
    ok(alice.patch("/v1/profile", json={"name": "Alice"}))
    seq = say(alice, "mine alone")
    with app.acting() as system:
        exported = ok(system.get("/v1/parties/user/alice/export"))
        erased = ok(system.delete("/v1/parties/user/alice"))
        after = ok(system.get("/v1/parties/user/alice/export"))
        shown = ok(system.get(f"{team}/messages/{seq}"))

    assert exported["profile"]["name"] == "Alice"
    assert "mine alone" in str(exported["messages"])
    assert erased["messages"] >= 1
    assert "mine alone" not in str(after)
    assert "mine alone" not in str(shown)
    refused(alice.get("/v1/parties/nobody/alice/export"), "invalid_party")


@covers("key.rotate", "key.list", "key.revoke")
def test_keys(app: App) -> None:
    with app.acting() as old:
        made = ok(old.post("/v1/keys", json={"scopes": ["messages", "keys"]}, headers={"Idempotency-Key": "k"}), 201)
        again = ok(old.post("/v1/keys", json={"scopes": ["messages", "keys"]}, headers={"Idempotency-Key": "k"}), 201)
        assert again == made
        assert made["secret"]
        with app.server.client((made["key"], made["secret"])) as new:
            listed = ok(new.get("/v1/keys"))["keys"]
            assert [key["key"] for key in listed] == [app.key, made["key"]]
            assert not any("secret" in key for key in listed)
            refused(new.post("/v1/groups", json={}), "scope_missing")
            ok(new.delete(f"/v1/keys/{app.key}"), 204)
        refused(old.get("/v1/keys"), "key_revoked")


@covers("backup.start", "backup.get")
def test_backups_are_the_operators(server: Running, app: App) -> None:
    with server.operator() as operator:
        begun = ok(operator.post("/v1/admin/backups", json={"name": f"of-{app.id}"}), 202)
        assert begun["path"].endswith(f"/of-{app.id}")
        while (last := ok(operator.get("/v1/admin/backups/last")))["state"] == "running":
            pass
        assert last["state"] == "done", last
        refused(operator.post("/v1/admin/backups", json={"name": f"of-{app.id}"}), "already_exists")
        refused(operator.post("/v1/admin/backups", json={"name": "../elsewhere"}), "invalid_params")
    with app.acting() as stranger:
        refused(stranger.post("/v1/admin/backups", json={"name": "mine"}), "forbidden")


@covers("app.create", "app.list", "app.rotate_key")
def test_apps_are_apart(server: Running, app: App, team: str) -> None:
    other = server.create_app("other")
    with server.operator() as operator:
        apps = {one["app"]: one["name"] for one in ok(operator.get("/v1/admin/apps"))["apps"]}
        made = ok(operator.post(f"/v1/admin/apps/{other.id}/keys", json={"overlap_s": 0}), 201)
        refused(operator.post("/v1/admin/apps/a_nobody/keys", json={}), "not_found")
    assert (apps[app.id], apps[other.id]) == ("test", "other")
    with other.acting() as stranger:
        refused(stranger.get("/v1/keys"), "key_revoked")
    other.key, other.secret = made["key"], made["secret"]
    with other.acting() as stranger:
        refused(stranger.get(team), "not_found")
        refused(stranger.post(f"{team}/messages", json={"content": {"text": "x"}}), "not_found")
        ok(stranger.post("/v1/groups", json={"id": "team"}), 201)


@covers("app.disable", "app.enable")
def test_the_operator_shuts_an_app_out_and_lets_it_in_again(server: Running, app: App) -> None:
    with server.operator() as operator, app.acting() as ours, app.as_client("user/alice") as alice:
        path = f"/v1/admin/apps/{app.id}/disabled"
        assert ok(operator.put(path))["disabled"] is True
        refused(ours.get("/v1/keys"), "app_disabled")
        refused(alice.get("/v1/conversations"), "app_disabled")
        assert {one["app"]: one.get("disabled") for one in ok(operator.get("/v1/admin/apps"))["apps"]}[app.id]
        assert "disabled" not in ok(operator.delete(path))
        ok(ours.get("/v1/keys"))
        ok(alice.get("/v1/conversations"))
        refused(operator.put("/v1/admin/apps/a_nobody/disabled"), "not_found")
        refused(ours.put(path), "forbidden")


@covers("message.search")
def test_search_is_off_until_the_operator_switches_it_on(alice: httpx.Client) -> None:
    """What it does when it is on: tests/integration/search."""
    refused(alice.get("/v1/messages/search", params={"text": "word"}), "feature_disabled")


def test_guests_have_few_rights(app: App, team: str) -> None:
    with app.as_client("guest/g1") as guest, app.acting() as system:
        refused(guest.post("/v1/groups", json={}), "guest_forbidden")
        refused(guest.post("/v1/messages", json={"to": "user/bob", "content": {"text": "x"}}), "guest_forbidden")
        ok(system.post("/v1/groups/team/members", json={"parties": ["guest/g1"]}))
        assert say(guest, "hello") > 0
