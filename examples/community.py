"""Make a community with two channels and say hello in one. Needs TRUNKLINE_URL and TRUNKLINE_TOKEN."""

import asyncio
import os

from trunkline.client import Client


async def main() -> None:
    async with Client(os.environ["TRUNKLINE_URL"], os.environ["TRUNKLINE_TOKEN"], "community.db") as me:
        club = me.communities
        await club.create("club", name="Chess club", join="open")
        await club.set_group("club", "staff", name="Staff", allow=["manage_messages", "mention_all"])
        await club.set_category("club", "main", name="Main")
        await club.create_channel("club", "lobby", name="Lobby", category="main")
        await club.create_channel(
            "club", "office", name="Office", everyone={"deny": ["view"]}, groups={"staff": {"allow": ["view"]}}
        )
        sent = await me.send("lobby", "Welcome!")
        print("said as number", sent.seq)
        for channel in (await club.channels("club")).channels:
            print(channel.name, channel.unread)


asyncio.run(main())
