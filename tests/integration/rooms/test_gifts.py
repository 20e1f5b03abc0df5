"""Totals of gifts as the server counts them: once per order, across kills, apart by app and room."""

from __future__ import annotations

import random
import sqlite3
from collections import Counter
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.integration.link.wire_client import Refused
from tests.integration.rest.running import App, serving
from tests.integration.rooms.acts import join, room
from tests.integration.rooms.conftest import Connect


def give(client: httpx.Client, order: str, amount: int, quantity: int = 1, at: str = "show") -> httpx.Response:
    """Send a gift in a room."""
    content = {"order": order, "gift": "rose", "amount": amount, "quantity": quantity}
    return client.post(f"/v1/rooms/{at}/messages", json={"type": "gift", "content": content})


def totals(client: httpx.Client, at: str = "show", limit: int = 100) -> dict[str, Any]:
    """What was given."""
    answer = client.get(f"/v1/rooms/{at}/gifts", params={"limit": limit})
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def ranked(found: dict[str, Any]) -> list[tuple[str, int, int]]:
    return [(giver["party"], giver["count"], giver["amount"]) for giver in found.get("top", [])]


@pytest.mark.timeout(120)
def test_totals_are_exact_after_kills(tmp_path: Path) -> None:
    rng = random.Random(4)
    counts: Counter[str] = Counter()
    amounts: Counter[str] = Counter()
    app: App | None = None
    orders = 0
    for _ in range(2):
        with serving(tmp_path, STORE__PROJECT_EVERY_S="0.05") as server:
            if app is None:
                app = server.create_app()
                with app.acting() as system:
                    assert system.post("/v1/rooms", json={"id": "show"}).status_code == 201
            app.server = server
            for _ in range(15):
                party = f"user/u{rng.randrange(6)}"
                amount, quantity = rng.randrange(5) * 50, rng.randrange(1, 4)
                orders += 1
                with app.acting(party) as giver:
                    sent = give(giver, f"order-{orders}", amount, quantity)
                    assert sent.status_code == 201, sent.text
                    again = give(giver, f"order-{orders}", amount, quantity)
                    assert again.json()["seq"] == sent.json()["seq"]
                    assert give(giver, f"order-{orders}", amount + 1, quantity).json()["name"] == "id_conflict"
                counts[party] += quantity
                amounts[party] += amount * quantity
            server.process.kill()
    assert app is not None
    with serving(tmp_path) as server:
        app.server = server
        expected = sorted(
            ((party, counts[party], amounts[party]) for party in counts), key=lambda row: (-row[2], -row[1], row[0])
        )
        with app.acting() as system:
            found = totals(system)
            assert ranked(found) == expected
            assert (found["count"], found["amount"]) == (counts.total(), amounts.total())
            assert (found["givers"], found["seq"]) == (len(counts), orders + 1)
            assert ranked(totals(system, limit=2)) == expected[:2]
            assert "mine" not in found
        with app.acting(expected[0][0]) as best:
            mine = totals(best, limit=1)["mine"]
            assert (mine["party"], mine["count"], mine["amount"]) == expected[0]
    # A store of before there were totals: they are counted when it is opened.
    with closing(sqlite3.connect(tmp_path / "data" / "index.db")) as db, db:
        db.execute("DELETE FROM gift_total")
        db.execute("DELETE FROM meta WHERE key = 'gifts_counted'")
    with serving(tmp_path) as server:
        app.server = server
        with app.acting() as system:
            assert totals(system) == found


def test_rooms_and_apps_are_counted_apart_and_closed_rooms_keep_their_totals(app: App) -> None:
    other = app.server.create_app("other")
    with app.acting("user/ann") as ann, other.acting("user/ann") as stranger:
        for client, at, amount in ((ann, "show", 100), (ann, "second", 7), (stranger, "show", 5000)):
            assert client.post("/v1/rooms", json={"id": at}).status_code == 201
            assert give(client, f"order-{at}", amount, at=at).status_code == 201
        assert ranked(totals(ann)) == [("user/ann", 1, 100)]
        assert ranked(totals(ann, "second")) == [("user/ann", 1, 7)]
        assert ranked(totals(stranger)) == [("user/ann", 1, 5000)]
        assert ann.delete("/v1/rooms/show").status_code == 200
        assert give(ann, "order-2", 1).json()["name"] == "dismissed"
        assert totals(ann)["amount"] == 100
        assert ann.post("/v1/groups", json={"id": "team"}).status_code == 201
        assert ann.get("/v1/rooms/team/gifts").json()["name"] == "forbidden"
    with app.as_client("user/ann") as own:
        assert own.get("/v1/rooms/show/gifts").json()["name"] == "dismissed"


def test_only_who_is_in_the_room_sees_them(connect: Connect) -> None:
    host, ann, eve = connect("user/host"), connect("user/ann"), connect("user/eve")
    room(host)
    join(ann)
    content = {"order": "o1", "gift": "rose", "amount": 30, "quantity": 2}
    ann.call("room.send", conversation="r1", type="gift", content=content)
    found = ann.call("room.gifts", conversation="r1")
    assert ranked(found) == [("user/ann", 2, 60)]
    assert found["mine"] == {"party": "user/ann", "count": 2, "amount": 60}
    assert host.call("room.gifts", conversation="r1")["amount"] == 60
    with pytest.raises(Refused) as refused:
        eve.call("room.gifts", conversation="r1")
    assert refused.value.error["name"] == "not_member"


def test_an_erased_giver_stays_in_the_sum_only(app: App) -> None:
    with app.acting() as system, app.acting("user/ann") as ann, app.acting("user/bob") as bob:
        assert system.post("/v1/rooms", json={"id": "show"}).status_code == 201
        give(ann, "order-1", 100), give(bob, "order-2", 30)
        assert system.delete("/v1/parties/user/ann").status_code == 200
        found = totals(system)
        assert (found["amount"], found["count"], found["givers"]) == (130, 2, 1)
        assert ranked(found) == [("user/bob", 1, 30)]
