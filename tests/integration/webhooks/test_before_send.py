"""What an app decides before a message of its users is accepted, against the real server."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest

from tests.integration.link.wire_client import Refused, WireClient
from tests.integration.rest.running import App
from tests.integration.webhooks.conftest import say, subscribe
from tests.support.webhook_receiver import Receiver

Connect = Callable[..., WireClient]


@pytest.fixture(params=["trunkline.v1.json", "trunkline.v1.msgpack"])
def connect(app: App, request: pytest.FixtureRequest) -> Iterator[Connect]:
    """``connect("user/a")``: a greeted client with an outbox, in both encodings: one has a native path for sends."""
    opened: list[WireClient] = []

    def make(party: str) -> WireClient:
        client = WireClient(app.server.url, request.param)
        opened.append(client)
        client.call("hello", token=app.token(party), device="d1", outbox="outbox-1")
        return client

    yield make
    for client in opened:
        client.socket.close()


def refused(client: WireClient, **params: Any) -> dict[str, Any]:
    """The error of a send."""
    with pytest.raises(Refused) as found:
        client.call("message.send", to="user/b", type="text", **params)
    error: dict[str, Any] = found.value.error
    return error


def answer(client: WireClient, request_id: int) -> Any:
    """The result of a request that was sent before."""
    while True:
        found = client.receive()
        assert found[0] != 3, found
        if found[0] == 2 and found[1] == request_id:
            return found[2]


def hook(api: httpx.Client, receiver: Receiver, **options: Any) -> dict[str, Any]:
    chosen: dict[str, Any] = {"mode": "before_send", "on_failure": "reject", "deadline_ms": 10_000} | options
    return subscribe(api, receiver, **chosen)


def accepting(event: dict[str, Any]) -> tuple[int, Any]:
    text = event["data"]["content"].get("text", "")
    if "forbidden" in text:
        return 200, {"action": "reject", "code": "words", "message": "mind your words"}
    if "secret" in text:
        return 200, {"action": "replace", "content": {"text": text.replace("secret", "***")}}
    return 200, {"action": "accept"}


def send(client: WireClient, to: str, text: str, n: int = 0) -> dict[str, Any]:
    more = {"n": n} if n else {}
    sent: dict[str, Any] = client.call("message.send", to=to, type="text", content={"text": text}, **more)
    return sent


def entries(api: httpx.Client, conversation: str) -> list[dict[str, Any]]:
    found = api.get(f"/v1/conversations/{conversation}/messages").json()["entries"]
    return [entry for entry in found if entry["type"] == "text"]


def test_the_app_accepts_refuses_and_replaces(api: httpx.Client, receiver: Receiver, connect: Connect) -> None:
    receiver.decide = accepting
    hook(api, receiver)
    alice = connect("user/a")
    first = send(alice, "user/b", "hello")
    error = refused(alice, content={"text": "forbidden"})
    assert error["name"] == "hook_rejected" and "words: mind your words" in error["message"]
    send(alice, "user/b", "a secret")
    stored = entries(api, first["conversation"])
    assert [entry["content"]["text"] for entry in stored] == ["hello", "a ***"]
    question = receiver.events[0]
    assert (question["type"], question["kind"], question["conversation"]) == (
        "message.before_send",
        "direct",
        first["conversation"],
    )
    assert question["data"]["sender"] == "user/a" and question["data"]["to"] == "user/b"
    assert receiver.forged == 0


def test_messages_of_one_connection_keep_their_order(api: httpx.Client, receiver: Receiver, connect: Connect) -> None:
    receiver.decide = accepting
    hook(api, receiver)
    alice = connect("user/a")
    ids = [
        alice.request("message.send", to="user/b", type="text", content={"text": f"m{number}"}) for number in range(20)
    ]
    answers = [answer(alice, id) for id in ids]
    assert [answer["seq"] for answer in answers] == list(range(2, 22))
    stored = entries(api, answers[0]["conversation"])
    assert [entry["content"]["text"] for entry in stored] == [f"m{number}" for number in range(20)]


@pytest.mark.parametrize(
    "broken",
    [
        lambda event: (500, None),
        lambda event: (200, "no object"),
        lambda event: (200, {"action": "explode"}),
        lambda event: (200, {"action": "replace", "content": {"text": ""}}),
        lambda event: (200, {"action": "replace"}),
    ],
)
@pytest.mark.parametrize("on_failure", ["accept", "reject"])
def test_without_a_usable_answer_the_declared_choice_holds(
    api: httpx.Client, receiver: Receiver, connect: Connect, broken: Any, on_failure: str
) -> None:
    receiver.decide = broken
    hook(api, receiver, on_failure=on_failure)
    alice = connect("user/a")
    if on_failure == "accept":
        sent = send(alice, "user/b", "hello")
        assert [entry["content"]["text"] for entry in entries(api, sent["conversation"])] == ["hello"]
    else:
        error = refused(alice, content={"text": "hello"})
        assert (error["name"], error["applied"]) == ("hook_unavailable", False)


def test_a_silent_app_costs_no_more_than_its_deadline(api: httpx.Client, receiver: Receiver, connect: Connect) -> None:
    never = asyncio.Event()

    async def silent(event: dict[str, Any]) -> tuple[int, Any]:
        await never.wait()
        return 204, None

    receiver.decide = silent
    hook(api, receiver, on_failure="accept", deadline_ms=100)
    sent = send(connect("user/a"), "user/b", "hello")
    assert sent["seq"] == 2


def test_a_retry_of_a_replaced_message_finds_it(api: httpx.Client, receiver: Receiver, connect: Connect) -> None:
    receiver.decide = accepting
    hook(api, receiver)
    alice = connect("user/a")
    first = alice.call("message.send", to="user/b", type="text", content={"text": "secret"}, n=1)
    again = alice.call("message.send", to="user/b", type="text", content={"text": "secret"}, n=1)
    assert again == first
    error = refused(alice, content={"text": "other"}, n=1)
    assert error["name"] == "id_conflict"
    assert len(entries(api, first["conversation"])) == 1


def test_the_app_itself_is_not_asked_and_filters_hold(api: httpx.Client, receiver: Receiver, connect: Connect) -> None:
    hook(api, receiver, kinds=["group"])
    say(api, "user/b", "from the app")
    send(connect("user/a"), "user/b", "direct")
    assert receiver.attempts == []


def test_a_hook_that_is_switched_off_or_deleted_is_not_asked(
    api: httpx.Client, receiver: Receiver, connect: Connect
) -> None:
    made = hook(api, receiver)
    alice = connect("user/a")
    send(alice, "user/b", "one")
    path = f"/v1/webhooks/{made['webhook']}"
    assert api.patch(path, json={"enabled": False}).status_code == 200
    send(alice, "user/b", "two")
    assert api.patch(path, json={"enabled": True}).status_code == 200
    send(alice, "user/b", "three")
    assert api.delete(path).status_code == 204
    send(alice, "user/b", "four")
    texts = [event["data"]["content"]["text"] for event in receiver.events]
    assert texts == ["one", "three"]


def test_connections_that_were_there_before_the_hook_are_asked_about_too(
    api: httpx.Client, receiver: Receiver, connect: Connect
) -> None:
    alice, _ = connect("user/a"), connect("user/b")
    for n in range(1, 4):
        send(alice, "user/b", "before", n)
    receiver.decide = accepting
    hook(api, receiver)
    error = refused(alice, content={"text": "forbidden"}, n=4)
    assert error["name"] == "hook_rejected"
    sent = send(alice, "user/b", "fine", 4)
    assert [entry["content"]["text"] for entry in entries(api, sent["conversation"])] == ["before"] * 3 + ["fine"]
