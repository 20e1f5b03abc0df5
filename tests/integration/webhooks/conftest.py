"""A server that may call loopback, an app on it, and a receiver."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest

from tests.integration.link.wire_client import WireClient
from tests.integration.rest.running import App, Running, serving
from tests.support.webhook_receiver import Receiver

OPTIONS = {
    "WEBHOOKS__ALLOW_NETWORKS": "127.0.0.0/8",
    "WEBHOOKS__ALLOW_HTTP": "true",
    "WEBHOOKS__FIRST_RETRY_S": "0.05",
    "WEBHOOKS__LONGEST_RETRY_S": "0.2",
    "LIMITS__LINK_RATE": "0",
}


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with serving(tmp_path_factory.mktemp("webhooks"), **OPTIONS) as running:
        yield running


@pytest.fixture
def app(server: Running) -> App:
    return server.create_app()


@pytest.fixture
def api(app: App) -> Iterator[httpx.Client]:
    with app.acting() as client:
        yield client


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver() as running:
        yield running


@pytest.fixture
def connect(app: App) -> Iterator[Callable[..., WireClient]]:
    """``connect("user/a")``: a greeted client; all are closed at the end."""
    opened: list[WireClient] = []

    def make(party: str, device: str = "d1") -> WireClient:
        client = WireClient(app.server.url)
        opened.append(client)
        client.call("hello", token=app.token(party), device=device)
        return client

    yield make
    for client in opened:
        client.socket.close()


def until(condition: Callable[[], Any], timeout_s: float = 45.0) -> Any:
    """Wait until a condition holds, and return what it found."""
    deadline = time.monotonic() + timeout_s
    while not (found := condition()):
        assert time.monotonic() < deadline, "it did not come about in time"
        time.sleep(0.01)
    return found


def subscribe(api: httpx.Client, receiver: Receiver, path: str = "hook", **options: Any) -> dict[str, Any]:
    """Make a webhook to the receiver and tell it the secret."""
    answer = api.post("/v1/webhooks", json={"url": receiver.url(path)} | options)
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()
    receiver.secrets[path] = made["secret"]
    return made


def say(api: httpx.Client, to: str, text: str) -> dict[str, Any]:
    """Send a text as the app's system."""
    answer = api.post("/v1/messages", json={"to": to, "type": "text", "content": {"text": text}})
    assert answer.status_code == 201, answer.text
    sent: dict[str, Any] = answer.json()
    return sent


def texts(receiver: Receiver) -> list[str]:
    """The texts of the messages that arrived."""
    return [
        event["data"]["entry"]["content"]["text"]
        for event in list(receiver.events)
        if event["type"] == "message.created"
    ]
