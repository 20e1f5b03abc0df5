"""Broadcasts in the SDK: one arrives, is read, is found after being away, and placeholders are passed over."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.rest.running import App, serving
from tests.integration.sdk.conftest import QUICK, texts, until
from trunkline.client import Client


@pytest.fixture
def app(tmp_path: Path) -> Iterator[App]:
    with serving(tmp_path) as server:
        yield server.create_app()


async def test_broadcasts_arrive_online_and_after_being_away(app: App, tmp_path: Path) -> None:
    def ann() -> Client:
        return Client(app.server.url, app.token("user/ann"), tmp_path / "ann.db", options=QUICK, device="d1")

    def send(text: str, audience: str) -> None:
        path = "/v1/broadcasts/conversations/news/messages"
        answer = news.post(path, json={"content": {"text": text}, "audience": audience})
        assert answer.status_code == 201, answer.text

    with app.acting() as news:
        assert news.post("/v1/broadcasts/conversations", json={"id": "news", "name": "News"}).status_code == 201
        assert news.put("/v1/tags", json={"parties": ["user/ann"], "tags": ["vip"]}).status_code == 200
        client = ann()
        async with client:
            await client.online()
            assert client.conversations.get("news") is None
            send("others only", "NOT vip")
            send("one", "vip")
            await until(lambda: texts(client.local_history("news")) == ["one"])
            view = client.conversations.get("news")
            assert view is not None and (view.kind, view.name, view.unread) == ("broadcast", "News", 1)
            client.mark_read("news")
            await until(lambda: (shown := client.conversations.get("news")) is not None and shown.read >= 3)
        send("two", "*")
        send("others again", "NOT vip")
        send("three", "vip OR de")
        client = ann()
        async with client:
            await client.online()
            await until(lambda: texts(client.local_history("news")) == ["one", "two", "three"])
            view = client.conversations.get("news")
            assert view is not None and (view.unread, view.last and view.last.content) == (2, {"text": "three"})
            assert [entry.seq for entry in client.local_history("news")] == [1, 2, 3, 4, 5, 6]


async def test_a_broadcast_poll_is_voted_on_from_a_device(app: App, tmp_path: Path) -> None:
    def on(party: str) -> Client:
        return Client(app.server.url, app.token(party), tmp_path / f"{party[5:]}.db", options=QUICK, device="d1")

    with app.acting() as news:
        assert news.post("/v1/broadcasts/conversations", json={"id": "news"}).status_code == 201
        async with on("user/ann") as ann, on("user/bob") as bob:
            await ann.online()
            await bob.online()
            poll = {"kind": "poll", "data": {"question": "Lunch?", "options": ["noodles", "pizza"]}}
            sent = news.post(
                "/v1/broadcasts/conversations/news/messages", json={"type": "card.created", "content": poll}
            )
            assert sent.status_code == 201, sent.text
            seq = sent.json()["seq"]
            devices = (ann, bob)
            await until(lambda: all(device.cards.local("news", seq) is not None for device in devices))
            await ann.cards.act("news", seq, "vote", {"choices": [1]})
            await bob.cards.act("news", seq, "vote", {"choices": [0]})

            def votes(device: Client) -> list[int]:
                card = device.cards.local("news", seq)
                assert card is not None
                found: list[int] = card.summary["votes"]
                return found

            await until(lambda: all(votes(device) == [1, 1] for device in devices))
