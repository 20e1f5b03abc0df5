"""Put up a poll and a red packet for user/bob, and say what becomes of them. Needs TRUNKLINE_URL, TRUNKLINE_TOKEN."""

import asyncio
import os

from trunkline.client import Client


async def main() -> None:
    async with Client(os.environ["TRUNKLINE_URL"], os.environ["TRUNKLINE_TOKEN"]) as me:
        options = ["Noodles", "Pizza"]
        poll = await me.cards.create("user/bob", "poll", {"question": "Where do we eat?", "options": options})
        packet = {"amount": 888, "shares": 1, "currency": "CNY"}
        gift = await me.cards.create("user/bob", "red_packet", packet, closes_in_ms=86_400_000)
        print("poll", poll.seq, "and red packet", gift.seq, "in", poll.conversation)
        await me.cards.act(poll.conversation, poll.seq, "vote", {"choices": [0]})
        async for entry in me.messages(poll.conversation, types={"card.changed"}):
            card = me.cards.local(entry.conversation, entry.target)
            if card is not None and card.kind == "poll":
                print("votes:", dict(zip(options, card.summary["votes"], strict=True)))
            else:
                print("to settle:", entry.content["event"])  # the app moves the money


asyncio.run(main())
