"""Wherever a party can say something: an export has it, and after an erasure no byte of it is in the tables."""

from __future__ import annotations

import signal
import sqlite3
import time
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.integration.link.wire_client import WireClient
from tests.integration.rest.running import App, serving
from tests.integration.search.finding import ok, texts

SECRET = "zyxplanted"

ANN = "user/ann"


class Everywhere:
    """Ann says something in every kind of place; ``said`` is what an export must have."""

    def __init__(self, app: App, ann: httpx.Client, bob: httpx.Client) -> None:
        self.app = app
        self.ann = ann
        self.bob = bob
        self.said: list[str] = []
        self.planned = ""

    def words(self, place: str) -> dict[str, Any]:
        """Content that is to be found again."""
        self.said.append(place)
        return {"text": f"{SECRET} in {place}"}

    def say(self, conversation: str, place: str, **more: Any) -> int:
        path = f"/v1/conversations/{conversation}/messages"
        return int(ok(self.ann.post(path, json={"content": self.words(place), **more}), 201)["seq"])

    def direct(self) -> None:
        sent = ok(self.ann.post("/v1/messages", json={"to": "user/bob", "content": self.words("direct")}), 201)
        # Bob cleared and hid it; it is Ann's all the same.
        ok(self.bob.post(f"/v1/conversations/{sent['conversation']}/hide", json={"seqs": [sent["seq"]]}), 204)

    def groups(self) -> None:
        for group in ("team", "left", "gone"):
            ok(self.bob.post("/v1/groups", json={"id": group, "members": [ANN]}), 201)
        seq = self.say("team", "group")
        edited = {"content": self.words("edit")}
        ok(self.ann.patch(f"/v1/conversations/team/messages/{seq}", json=edited))
        root = int(ok(self.bob.post("/v1/conversations/team/messages", json={"content": {"text": "root"}}), 201)["seq"])
        self.say("team", "thread", thread=root)
        poll = {"kind": "poll", "data": {"question": self.words("card")["text"], "options": ["a", "b"]}}
        ok(self.ann.post("/v1/conversations/team/cards", json=poll), 201)
        self.say("left", "group she left")
        ok(self.ann.post("/v1/groups/left/leave"))
        self.say("gone", "group that was dismissed")
        ok(self.bob.delete("/v1/groups/gone"))
        ok(self.ann.patch("/v1/conversations/team/settings", json={"draft": f"{SECRET} draft"}))

    def community(self) -> None:
        for club in ("club", "former"):
            ok(self.bob.post("/v1/communities", json={"id": club, "name": "Club", "members": [ANN]}), 201)
            channel = {"id": f"{club}.talk", "name": "Talk"}
            ok(self.bob.post(f"/v1/communities/{club}/channels", json=channel), 201)
        seq = self.say("club.talk", "channel")
        ok(self.ann.patch(f"/v1/conversations/club.talk/messages/{seq}", json={"content": self.words("channel edit")}))
        self.say("club.talk", "channel thread", thread=seq)
        self.say("former.talk", "channel she left")
        ok(self.ann.post("/v1/groups/former/leave"))

    def broadcasts(self) -> None:
        with self.app.acting() as system:
            ok(system.post("/v1/broadcasts/conversations", json={"id": "news", "name": "News"}), 201)
        with self.app.acting(ANN) as as_ann:
            send = "/v1/broadcasts/conversations/news/messages"
            ok(as_ann.post(send, json={"content": self.words("broadcast")}), 201)
            # Not said yet, and never to be said when she is erased before.
            later = {"content": {"text": f"{SECRET} planned"}, "send_at_ms": int(time.time() * 1000) + 3_600_000}
            self.planned = ok(as_ann.post(send, json=later), 201)["broadcast"]

    def rooms(self) -> None:
        say = {"types": {"x.say": {"delivery": "reliable", "recent": True}}, "attributes": "audience"}
        link = WireClient(self.app.server.url)
        link.call("hello", token=self.app.token(ANN), device="d1")
        for room in ("show", "closed"):
            ok(self.bob.post("/v1/rooms", json={"id": room, **say}), 201)
            link.call("room.join", conversation=room)
            where = f"{room}, as audience"
            link.call("room.send", conversation=room, type="x.say", content=self.words(where))
        link.call("room.set_attribute", conversation="show", key="wish", value=f"{SECRET} wish")
        ok(self.bob.delete("/v1/rooms/closed"))
        link.socket.close()


def exported(system: httpx.Client) -> list[str]:
    """The places whose words an export has."""
    found: list[str] = []
    after = ""
    while True:
        page = ok(system.get("/v1/parties/user/ann/export", params={"after": after} if after else {}))
        for message in page["messages"]:
            content = message.get("content") or {}
            inner = content.get("content") or content.get("data") or content
            text = inner.get("text") or inner.get("question") or ""
            if SECRET in text:
                found.append(text.removeprefix(f"{SECRET} in "))
        after = page.get("next", "")
        if not after:
            return found


def holding(path: Path) -> list[str]:
    """The tables of a database in which the words are; the terms of the search index leave it later (its ``purge``)."""
    listed = "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'words%'"
    with closing(sqlite3.connect(path)) as db:
        tables = [name for (name,) in db.execute(listed)]
        assert "chunk" in tables or "doc" in tables
        return [
            table
            for table in tables
            for row in db.execute(f'SELECT * FROM "{table}"')
            if any(SECRET.encode() in (v if isinstance(v, bytes) else str(v).encode()) for v in row)
        ]


@pytest.mark.timeout(120)
def test_an_erasure_takes_what_was_said_everywhere(tmp_path: Path) -> None:
    options = {"SEARCH__ENABLED": "true", "SEARCH__INDEX_EVERY_S": "0.05", "STORE__PROJECT_EVERY_S": "0.05"}
    with serving(tmp_path, **options) as server:
        app = server.create_app()
        with app.acting() as system, app.as_client(ANN) as ann, app.as_client("user/bob") as bob:
            ok(ann.patch("/v1/profile", json={"name": f"{SECRET} name"}))
            everywhere = Everywhere(app, ann, bob)
            everywhere.direct()
            everywhere.groups()
            everywhere.community()
            everywhere.broadcasts()
            everywhere.rooms()
            assert sorted(exported(system)) == sorted(everywhere.said)
            assert texts(system, SECRET)
            ok(system.delete(f"/v1/parties/{ANN}"))
            assert exported(system) == []
            assert texts(system, SECRET) == []
            assert ok(system.get(f"/v1/broadcasts/{everywhere.planned}"))["status"] == "cancelled"
        server.process.send_signal(signal.SIGTERM)
        server.process.wait(15)
    for name in ("index.db", "search.db"):
        assert holding(tmp_path / "data" / name) == []
    # What pages that were moved before left in unused space goes when the file is written anew.
    index = tmp_path / "data" / "index.db"
    with closing(sqlite3.connect(index)) as db:
        db.execute("VACUUM")
    assert SECRET.encode() not in index.read_bytes()
