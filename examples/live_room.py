"""Open a live room or come into it, speak, count likes, print what is said. Needs TRUNKLINE_URL, TRUNKLINE_TOKEN."""

import asyncio
import os

from trunkline.client import Client, RequestFailed

TYPES = {
    "x.say": {"delivery": "reliable", "speech": True, "recent": True},
    "x.like": {"delivery": "coalesce"},
}


async def main() -> None:
    async with Client(os.environ["TRUNKLINE_URL"], os.environ["TRUNKLINE_TOKEN"]) as me:
        try:
            await me.rooms.create("show", name="Friday show", types=TYPES)
        except RequestFailed as exc:
            if exc.name != "already_exists":
                raise
        async with await me.rooms.join("show") as room:
            print("in", room.view.name, "as", room.role)
            sent = await room.send("x.say", {"text": "Hello, everyone"})
            print("on the server's disk as number", sent.seq)
            likes = 0
            async for message in room:
                if message.type == "x.like":
                    likes += message.count
                    print("likes:", likes)
                elif message.type == "x.say":
                    print(message.sender, message.content["text"])
            print("the room is over:", room.ended)


asyncio.run(main())
