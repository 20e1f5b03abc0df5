"""Send a message, then print what arrives. Needs TRUNKLINE_URL and TRUNKLINE_TOKEN; `make demo` prints both."""

import asyncio
import os

from trunkline.client import Client


async def main() -> None:
    async with Client(os.environ["TRUNKLINE_URL"], os.environ["TRUNKLINE_TOKEN"], "hello.db") as me:
        sent = await me.send("user/bob", "Hello, Bob")
        print("on the server's disk as number", sent.seq)
        async for entry in me.messages(types={"text"}):
            print(entry.sender, entry.content["text"])


asyncio.run(main())
