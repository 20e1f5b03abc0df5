"""Communities in the SDK: channels come with joining and go with leaving, and are conversations like any other."""

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


def client(app: App, party: str) -> Client:
    return Client(app.server.url, app.token(party), options=QUICK)


async def test_channels_come_and_go(app: App) -> None:
    async with client(app, "user/ann") as ann, client(app, "user/bob") as bob:
        club = ann.communities
        await club.create("club", name="Club", join="open")
        await club.set_group("club", "mods", allow=["manage_messages"])
        await club.set_category("club", "main", name="Main")
        await club.create_channel("club", "talk", name="Talk", category="main")
        await club.create_channel("club", "staff", everyone={"deny": ["view"]}, groups={"mods": {"allow": ["view"]}})
        await bob.online()
        await bob.communities.join("club")
        await until(lambda: bob.conversations.get("talk") is not None)
        assert bob.conversations.get("staff") is None
        sent = await ann.send("talk", "hello")
        await until(lambda: texts(bob.local_history("talk")) == ["hello"])
        view = bob.conversations.get("talk")
        assert view is not None and (view.kind, view.community, view.unread) == ("channel", "club", 1)
        bob.mark_read("talk", sent.seq)
        await until(lambda: (shown := bob.conversations.get("talk")) is not None and shown.read == sent.seq)
        await ann.send("staff", "between us")
        await club.assign("club", "mods", "user/bob")
        await until(lambda: texts(bob.local_history("staff")) == ["between us"])
        await bob.send("staff", "thanks")
        await until(lambda: texts(ann.local_history("staff")) == ["between us", "thanks"])
        page = await bob.communities.channels("club")
        assert [(row.conversation, row.unread) for row in page.channels] == [("staff", 1), ("talk", 0)]
        await club.update_channel("talk", name="Chat")
        await until(lambda: (shown := bob.conversations.get("talk")) is not None and shown.name == "Chat")
        assert {c.id: c.name for c in (await bob.communities.get("club")).channels} == {"talk": "Chat", "staff": ""}
        names = {row.conversation for row in bob.conversations.list()}
        assert {"club", "talk", "staff"} <= names
        await club.assign("club", "mods", remove=("user/bob",))
        await until(lambda: "staff" not in {row.conversation for row in bob.conversations.list()})
        await bob.communities.leave("club")
        await until(lambda: "talk" not in {row.conversation for row in bob.conversations.list()})
        await club.ban("club", "user/bob")
        await club.permit("club", allow=["view"], deny=["send"])
        await club.delete_group("club", "mods")
        await club.delete_category("club", "main")
        await club.delete_channel("staff")
        left = await club.get("club")
        assert [(c.id, c.category) for c in left.channels] == [("talk", "")]
        assert (left.groups, left.categories, left.bans) == ([], [], ["user/bob"])
