"""Threads in the SDK against a real server: what a device shows offline is what the server says."""

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


def client(app: App, party: str, device: str = "d1", store: str | Path = ":memory:") -> Client:
    return Client(app.server.url, app.token(party), store, options=QUICK, device=device)


async def test_what_a_device_shows_offline_is_what_the_server_says(app: App) -> None:
    async with client(app, "user/ann") as ann, client(app, "user/bob") as bob:
        group = (await ann.groups.create("team", members=["user/bob"])).conversation
        root = (await ann.send(group, "lunch?")).seq
        sent = [(await bob.send(group, str(n), thread=root, mentions=["user/ann"])).seq for n in range(4)]
        await until(lambda: len(ann.threads.replies(group, root)) == 4)
        assert ann.threads.unread(group, root) == (4, 4)
        assert [(mark.thread, mark.following) for mark in ann.threads.followed()] == [(root, True)]
        view = ann.conversations.get(group)
        assert view is not None and (view.unread, view.last and view.last.seq) == (0, root)
        (shown,) = [entry for entry in ann.local_history(group) if entry.seq == root]
        assert shown.now is not None and (shown.now.replies, shown.now.last_reply_seq) == (4, sent[-1])
        await bob.entries.recall(group, sent[2])
        await until(lambda: ann.threads.unread(group, root) == (3, 3))
        server_says = await ann.threads.get(group, root)
        assert (server_says.unread, server_says.unread_mentions, server_says.replies) == (3, 3, 3)
        after = await ann.threads.mark_read(group, root, sent[0])
        assert (after.unread, ann.threads.unread(group, root)) == (2, (2, 2))
        page = await ann.threads.list(unread_only=True)
        assert [(row.thread, row.unread) for row in page.threads] == [(root, 2)]
        assert texts((await ann.threads.history(group, root, limit=1)).entries) == ["3"]


@pytest.mark.parametrize("online", [True, False], ids=["online", "away"])
async def test_my_other_devices_learn_what_i_follow_and_have_read(app: App, tmp_path: Path, online: bool) -> None:
    def tablet() -> Client:
        return client(app, "user/ann", "tablet", tmp_path / "tablet.db")

    async with client(app, "user/ann", "phone") as phone, client(app, "user/bob") as bob:
        group = (await bob.groups.create("team", members=["user/ann"])).conversation
        root = (await bob.send(group, "topic")).seq
        replies = [(await bob.send(group, str(n), thread=root)).seq for n in range(3)]
        second = tablet()
        async with second:
            await until(lambda: len(second.threads.replies(group, root)) == 3)
            assert second.threads.followed() == []
            if online:
                await phone.threads.follow(group, root)
                await until(lambda: len(second.threads.followed()) == 1)
        if not online:
            await phone.threads.follow(group, root)
            last = (await bob.send(group, "while away", thread=root)).seq
            await phone.threads.mark_read(group, root, last)
            second = tablet()
            async with second:
                await until(lambda: len(second.threads.replies(group, root)) == 4)
                await until(lambda: [mark.read for mark in second.threads.followed()] == [last])
                assert second.threads.unread(group, root) == (0, 0)
        assert replies == sorted(replies)


async def test_a_reply_written_offline_leaves_later_in_its_thread(app: App, tmp_path: Path) -> None:
    async with client(app, "user/bob") as bob:
        group = (await bob.groups.create("team", members=["user/ann"])).conversation
        root = (await bob.send(group, "topic")).seq
        async with client(app, "user/ann", store=tmp_path / "ann.db") as ann:
            await ann.online()
        away = Client("http://127.0.0.1:9", app.token("user/ann"), tmp_path / "ann.db", options=QUICK, device="d1")
        async with away:
            await away.send_nowait(group, "written on the train", thread=root).persisted()
        async with client(app, "user/ann", store=tmp_path / "ann.db"):
            await until(lambda: texts(bob.threads.replies(group, root)) == ["written on the train"])
        assert bob.threads.unread(group, root) == (1, 0)
