"""A bot that answers in the thread in which it is named. Needs TRUNKLINE_URL and TRUNKLINE_TOKEN."""

import asyncio
import os

from trunkline.client import Client


async def main() -> None:
    async with Client(os.environ["TRUNKLINE_URL"], os.environ["TRUNKLINE_TOKEN"], "threads.db") as me:
        await me.online()
        print("ready")
        async for entry in me.messages(types={"text"}):
            if not entry.thread or me.party not in entry.mentions:
                continue
            answer = await me.send(entry.conversation, f"You asked: {entry.content['text']}", thread=entry.thread)
            view = await me.threads.mark_read(entry.conversation, entry.thread, answer.seq)
            print(f"answered in the thread of {entry.thread}, which has {view.replies} replies")


asyncio.run(main())
