"""What an app's server receives, against the real server."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import httpx

from tests.integration.link.wire_client import WireClient
from tests.integration.rest.running import App
from tests.integration.webhooks.conftest import say, subscribe, texts, until
from tests.support.webhook_receiver import Receiver

Connect = Callable[..., WireClient]


def backlog(api: httpx.Client, webhook: str) -> dict[str, Any]:
    answer = api.get(f"/v1/webhooks/{webhook}/backlog")
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def test_every_entry_arrives_signed_and_in_order(api: httpx.Client, receiver: Receiver) -> None:
    made = subscribe(api, receiver)
    for number in range(20):
        say(api, "user/a", f"m{number}")
    until(lambda: len(receiver.events) >= 21)
    assert [event["type"] for event in receiver.events] == ["conversation.created"] + ["message.created"] * 20
    assert texts(receiver) == [f"m{number}" for number in range(20)]
    assert [event["data"]["entry"]["seq"] for event in receiver.events] == list(range(1, 22))
    assert receiver.forged == 0
    assert len({event["id"] for event in receiver.events}) == 21
    found = backlog(api, made["webhook"])
    assert (found["state"], found["waiting"], found["delivered"]) == ("running", 0, 21)


def test_a_failing_receiver_gets_everything_later_and_in_order(api: httpx.Client, receiver: Receiver) -> None:
    refused: set[str] = set()

    def refuse_first(event: dict[str, Any]) -> tuple[int, Any]:
        if event["id"] in refused:
            return 200, {}
        refused.add(event["id"])
        return 503, None

    receiver.decide = refuse_first
    subscribe(api, receiver, events=["message.created"])
    for number in range(6):
        say(api, "user/a", f"a{number}")
        say(api, "user/b", f"b{number}")
    until(lambda: len(receiver.events) == 12)
    for name in "ab":
        assert [text for text in texts(receiver) if text[0] == name] == [f"{name}{number}" for number in range(6)]
    assert len(receiver.attempts) == 24


def test_only_what_was_asked_for(api: httpx.Client, receiver: Receiver) -> None:
    subscribe(api, receiver, events=["members.*"], kinds=["group"])
    assert api.post("/v1/groups", json={"id": "t1", "name": "T", "owner": "user/a", "members": []}).status_code == 201
    say(api, "user/a", "not asked for")
    assert api.post("/v1/groups/t1/members", json={"parties": ["user/b"]}).status_code in (200, 201)
    until(lambda: receiver.events)
    [event] = receiver.events
    assert (event["type"], event["kind"], event["conversation"]) == ("members.added", "group", "t1")


def test_who_is_offline_is_named_for_a_push(api: httpx.Client, receiver: Receiver, connect: Connect) -> None:
    subscribe(api, receiver, events=["message.undelivered"])
    connect("user/here")
    say(api, "user/here", "seen at once")
    say(api, "user/away", "wake up")
    until(lambda: receiver.events)
    [event] = receiver.events
    assert event["type"] == "message.undelivered"
    assert event["data"]["receivers"] == ["user/away"]
    assert event["data"]["entry"]["content"] == {"text": "wake up"}


def test_a_recalled_message_is_not_shown_afterwards(api: httpx.Client, receiver: Receiver) -> None:
    receiver.decide = lambda event: (503, None)
    subscribe(api, receiver, events=["message.*"])
    sent = say(api, "user/a", "a slip")
    until(lambda: receiver.attempts)
    gone = api.delete(f"/v1/conversations/{sent['conversation']}/messages/{sent['seq']}")
    assert gone.status_code in (200, 204), gone.text
    receiver.decide = lambda event: (204, None)
    until(lambda: len(receiver.events) == 2)
    created, recalled = receiver.events
    assert (created["type"], recalled["type"]) == ("message.created", "message.recalled")
    assert created["data"]["entry"].get("content") is None


def test_another_app_sees_and_changes_nothing(app: App, api: httpx.Client, receiver: Receiver) -> None:
    made = subscribe(api, receiver)
    other = app.server.create_app("other")
    with other.acting() as stranger:
        path = f"/v1/webhooks/{made['webhook']}"
        assert stranger.get("/v1/webhooks").json() == {"webhooks": []}
        for answer in (
            stranger.get(path),
            stranger.patch(path, json={"url": "https://example.com/"}),
            stranger.delete(path),
            stranger.post(path + "/secret", json={}),
            stranger.post(path + "/replay", json={"now": True}),
            stranger.get(path + "/backlog"),
        ):
            assert answer.status_code == 404, answer.text
        say(stranger, "user/a", "of the other app")
    say(api, "user/a", "of this app")
    until(lambda: len(texts(receiver)) == 1)
    assert texts(receiver) == ["of this app"]
    assert api.get(f"/v1/webhooks/{made['webhook']}").json()["url"] == receiver.url()


def test_a_new_secret_signs_along_with_the_old_one(api: httpx.Client, receiver: Receiver) -> None:
    made = subscribe(api, receiver, events=["message.created"])
    path = f"/v1/webhooks/{made['webhook']}"
    assert "secret" not in api.get(path).json()
    fresh = api.post(path + "/secret", json={"overlap_s": 3600}).json()["secret"]
    assert fresh != made["secret"]
    say(api, "user/a", "one")
    until(lambda: len(receiver.events) == 1)
    assert receiver.headers[0]["webhook-signature"].count("v1,") == 2
    receiver.secrets["hook"] = fresh
    say(api, "user/a", "two")
    until(lambda: len(receiver.events) == 2)
    assert receiver.forged == 0
    receiver.secrets["hook"] = api.post(path + "/secret", json={"overlap_s": 0}).json()["secret"]
    say(api, "user/a", "three")
    until(lambda: len(receiver.events) == 3)
    assert receiver.headers[2]["webhook-signature"].count("v1,") == 1


def test_gone_disables_and_enabling_goes_on_where_it_stopped(api: httpx.Client, receiver: Receiver) -> None:
    receiver.decide = lambda event: (410, None)
    made = subscribe(api, receiver, events=["message.created"])
    path = f"/v1/webhooks/{made['webhook']}"
    say(api, "user/a", "one")
    until(lambda: api.get(path).json().get("disabled"))
    assert "410" in api.get(path).json()["disabled"]
    assert backlog(api, made["webhook"])["state"] == "disabled"
    tried = len(receiver.attempts)
    say(api, "user/a", "two")
    receiver.decide = lambda event: (204, None)
    assert len(receiver.attempts) == tried
    assert api.patch(path, json={"enabled": True}).status_code == 200
    until(lambda: len(receiver.events) == 2)
    assert texts(receiver) == ["one", "two"]


def test_replay_sends_again_and_now_forgets(api: httpx.Client, receiver: Receiver) -> None:
    made = subscribe(api, receiver, events=["message.created"])
    path = f"/v1/webhooks/{made['webhook']}/replay"
    lsn = backlog(api, made["webhook"])["head_lsn"] + 1
    for number in range(3):
        say(api, "user/a", f"m{number}")
    until(lambda: len(receiver.events) == 3)
    first_at_ms = receiver.events[0]["data"]["entry"]["at_ms"]
    ids = [event["id"] for event in receiver.events]
    assert api.post(path, json={"lsn": lsn}).status_code == 200
    until(lambda: len(receiver.events) == 6)
    assert api.post(path, json={"from_ms": first_at_ms}).status_code == 200
    until(lambda: len(receiver.events) == 9)
    assert [event["id"] for event in receiver.events] == ids * 3
    receiver.decide = lambda event: (503, None)
    say(api, "user/a", "never")
    until(lambda: backlog(api, made["webhook"]).get("blocked") == 1)
    assert api.post(path, json={"now": True}).json()["waiting"] == 0
    receiver.decide = lambda event: (204, None)
    say(api, "user/a", "after")
    until(lambda: len(receiver.events) == 10)
    assert texts(receiver)[-1] == "after"


def test_pulling_gives_the_same_events(api: httpx.Client, receiver: Receiver) -> None:
    subscribe(api, receiver)
    after = api.get("/v1/events").json()["next"]
    for number in range(5):
        say(api, "user/a", f"m{number}")
    until(lambda: len(receiver.events) == 6)
    pulled: list[dict[str, Any]] = []
    while len(pulled) < 6:
        page = api.get("/v1/events", params={"after": after, "limit": 2, "wait_s": 5}).json()
        pulled += page["events"]
        after = page["next"]
    assert pulled == receiver.events
    assert api.get("/v1/events", params={"after": after}).json()["events"] == []


def test_metrics_tell_how_far_behind(app: App, api: httpx.Client, receiver: Receiver) -> None:
    receiver.decide = lambda event: (500, None)
    subscribe(api, receiver, events=["message.created"])
    say(api, "user/a", "waits")
    until(lambda: receiver.attempts)

    def figures() -> dict[str, float]:
        with app.server.client() as client:
            lines = client.get("/metrics").text.splitlines()
        return {line.split(" ")[0]: float(line.split(" ")[1]) for line in lines if line.startswith("trunkline_webhook")}

    until(lambda: figures()["trunkline_webhook_attempts_failed_total"] >= 1)
    found = figures()
    assert found["trunkline_webhook_backlog_events"] >= 1
    assert found["trunkline_webhook_oldest_age_seconds"] > 0
    assert found["trunkline_webhook_delivered_total"] >= 0
    assert found["trunkline_webhook_skipped_groups_total"] == 0


def test_who_missed_a_message_in_a_channel_is_named(api: httpx.Client, receiver: Receiver, app: App) -> None:
    subscribe(api, receiver, events=["message.undelivered"])
    created = {"id": "club", "owner": "user/a", "members": ["user/b", "user/c", "user/d"]}
    assert api.post("/v1/communities", json=created).status_code == 201
    with app.acting("user/a") as a, app.acting("user/c") as c:
        assert a.post("/v1/communities/club/channels", json={"id": "talk"}).status_code == 201
        denied = {"everyone": {"deny": ["view"]}}
        assert a.post("/v1/communities/club/channels", json={"id": "staff"} | denied).status_code == 201
        assert c.patch("/v1/conversations/talk/settings", json={"notify": "mentions"}).status_code == 200
        for channel in ("staff", "talk"):
            sent = a.post(f"/v1/conversations/{channel}/messages", json={"content": {"text": "hello"}})
            assert sent.status_code == 201, sent.text
    until(lambda: receiver.events)
    [event] = receiver.events
    data = event["data"]
    assert data["entry"]["conversation"] == "talk"
    assert (sorted(data["receivers"]), data["muted"]) == (["user/b", "user/c", "user/d"], ["user/c"])


def test_channels_can_be_asked_for_by_kind(api: httpx.Client, receiver: Receiver, app: App) -> None:
    subscribe(api, receiver, events=["message.created"], kinds=["channel"])
    subscribe(api, receiver, "ask", mode="before_send", on_failure="reject", kinds=["channel"], deadline_ms=10_000)
    receiver.decide = lambda event: (200, {"action": "reject"}) if "bad" in str(event["data"]) else (204, None)
    assert api.post("/v1/communities", json={"id": "club", "owner": "user/a"}).status_code == 201
    with app.acting("user/a") as a, app.as_client("user/a") as own:
        assert a.post("/v1/communities/club/channels", json={"id": "talk"}).status_code == 201
        direct = {"to": "user/b", "content": {"text": "bad, but direct"}}
        assert own.post("/v1/messages", json=direct).status_code == 201
        talk = "/v1/conversations/talk/messages"
        assert own.post(talk, json={"content": {"text": "bad"}}).json()["name"] == "hook_rejected"
        assert own.post(talk, json={"content": {"text": "good"}}).status_code == 201
    asked, created = until(lambda: len(receiver.events) >= 3 and [receiver.events[:2], receiver.events[2:]])
    assert [(event["type"], event["kind"]) for event in asked] == [("message.before_send", "channel")] * 2
    assert [(event["type"], event["kind"]) for event in created] == [("message.created", "channel")]
