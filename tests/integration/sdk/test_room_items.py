"""Danmaku, likes, announcements and gifts through the SDK against the real server."""

from __future__ import annotations

import asyncio
from pathlib import Path

import msgspec
import pytest

from tests.integration.rest.running import serving
from tests.integration.sdk.test_rooms import client, collect
from trunkline.client import RequestFailed
from trunkline.protocol.rooms.gifts import GiftBoard
from trunkline.wire.room_items import Gift

pytestmark = pytest.mark.timeout(120)


async def test_what_every_room_knows(tmp_path: Path) -> None:
    with serving(tmp_path) as server:
        app = server.create_app()
        async with client(app, "user/host") as host, client(app, "user/ann") as ann:
            await host.rooms.create("show", name="Show")
            async with await host.rooms.join("show") as stage, await ann.rooms.join("show") as seat:
                await seat.danmaku("hello", colour="#ff0000")
                [flown] = await collect(stage, 1, "danmaku")
                assert flown.content == {"text": "hello", "colour": "#ff0000"} and flown.seq == 0
                await asyncio.gather(*(seat.like(3) for _ in range(20)))
                liked = 0
                while liked < 60:
                    [merged] = await collect(stage, 1, "like")
                    liked += merged.content["likes"]
                assert liked == 60
                with pytest.raises(RequestFailed, match="forbidden"):
                    await seat.announce("I am not the host")
                await stage.announce("We begin", link="https://example.com")
                [told] = await collect(seat, 1, "announcement")
                assert told.content["text"] == "We begin" and told.seq > 0


async def test_a_gift_counts_once_per_order(tmp_path: Path) -> None:
    with serving(tmp_path) as server:
        app = server.create_app()
        async with client(app, "user/host") as host, client(app, "user/ann") as ann:
            await host.rooms.create("show", name="Show")
            async with await host.rooms.join("show") as stage, await ann.rooms.join("show") as seat:
                first = await seat.give("order-1", "rose", quantity=2, amount=50)
                again = await seat.give("order-1", "rose", quantity=2, amount=50)
                assert again.seq == first.seq
                with pytest.raises(RequestFailed, match="id_conflict"):
                    await seat.give("order-1", "car", amount=9_900)
                for number in range(2, 6):
                    await seat.give(f"order-{number}", "rose", amount=50)
                board = GiftBoard()
                combos = [
                    board.add(m.seq, m.at_ms, m.sender, msgspec.convert(m.content, Gift))
                    for m in await collect(stage, 5, "gift")
                ]
                assert [combo.count for combo in combos if combo is not None][-1] == 6
                assert (board.count, board.amount) == (6, 300)
                assert [(t.giver, t.amount) for t in board.top()] == [("user/ann", 300)]


BAD: list[tuple[str, dict[str, object]]] = [
    ("danmaku", {"text": ""}),
    ("danmaku", {"text": "x" * 201}),
    ("danmaku", {"text": "x", "colour": "red"}),
    ("danmaku", {"text": "x", "lane": "left"}),
    ("like", {"likes": 0}),
    ("like", {"likes": 101}),
    ("like", {"likes": 1.5}),
    ("gift", {"gift": "rose"}),
    ("gift", {"order": "o", "gift": "rose", "quantity": 0}),
    ("gift", {"order": "o", "gift": "rose", "amount": -1}),
    ("gift", {"order": "o", "gift": "rose", "amount": 0.5}),
]


async def test_bad_items_are_refused_and_change_nothing(tmp_path: Path) -> None:
    with serving(tmp_path) as server:
        app = server.create_app()
        async with client(app, "user/host") as host:
            await host.rooms.create("show", name="Show")
            async with await host.rooms.join("show") as stage:
                before = (await host.rooms.get("show")).seq
                for type, content in BAD:
                    with pytest.raises(RequestFailed, match="invalid_content"):
                        await stage.send(type, content)
                assert (await host.rooms.get("show")).seq == before
