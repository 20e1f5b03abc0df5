"""Host a live room: a microphone that one party holds at a time, announcements, gifts, and what was dropped.

Needs TRUNKLINE_URL and TRUNKLINE_TOKEN; ends when the room is closed.
"""

import asyncio
import os

import msgspec

from trunkline.client import Client, RequestFailed
from trunkline.protocol.rooms.gifts import GiftBoard
from trunkline.wire.room_items import Gift


async def main() -> None:
    async with Client(os.environ["TRUNKLINE_URL"], os.environ["TRUNKLINE_TOKEN"]) as me:
        await me.rooms.create("stage", name="Open stage", attributes="audience", slow_mode_ms=100)
        async with await me.rooms.join("stage") as room:
            # Compare-and-set: version 0 means that nobody holds it. It is free again when its owner leaves.
            await me.rooms.set_attribute("stage", "microphone", me.party, version=0, auto_delete=True)
            try:
                await me.rooms.set_attribute("stage", "microphone", "user/quick", version=0)
            except RequestFailed as exc:
                print("the microphone is taken:", exc.name)
            board = GiftBoard()
            await room.announce("Who is next?")
            async for message in room:
                if message.type == "announcement":
                    print("announced:", message.content["text"])
                elif message.type == "danmaku":
                    print(message.sender, "says", message.content["text"])
                    if "spam" in message.content["text"]:
                        await me.rooms.kick("stage", message.sender, for_ms=600_000)
                        print("put out", message.sender)
                elif message.type == "gift":
                    gift = msgspec.convert(message.content, Gift)
                    combo = board.add(message.seq, message.at_ms, message.sender, gift)
                    if combo is not None:
                        print(message.sender, "gave", combo.count, gift.gift, "in a row;", board.amount, "in all")
                        counted = (await me.rooms.stats("stage")).types["gift"]
                        print("gifts received, sent, dropped:", counted.received, counted.sent, counted.dropped)
        print("the room is over:", room.ended)


asyncio.run(main())
