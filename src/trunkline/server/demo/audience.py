"""The simulated audience of the demo's live room: real SDK clients that comment, like and give.

They are quiet while nobody watches. How much they say is what the page asks for (``x.demo.audience``). Not here: the
room itself (``cast``).
"""

from __future__ import annotations

import asyncio
import random
from contextlib import AsyncExitStack

from trunkline.client import Client, ClientStopped, RequestFailed
from trunkline.client.room import Room
from trunkline.server.demo.cast import CONTROL, ROOM, Connector

FANS = (
    *("Mia", "Leo", "Zoé", "Tariq", "Yuna", "Ivan", "Aisha", "Tom"),
    *("小林", "阿杰", "思琪", "大鹏", "Noor", "Elif", "Pablo", "Greta"),
)
SAID = (
    *("Hello from Lisbon!", "What a view", "That bass line!", "Louder please", "Encore!", "First time here", "So good"),
    *("Goosebumps", "Play Paper Boats!", "The sky is orange", "Best seat in town: my sofa", "Can we have the lyrics?"),
    *("太好听了", "这个夜景绝了", "前排！", "主唱好棒", "再来一首", "从上海来", "鼓掌", "贝斯手好帅", "循环播放中"),
    *("Who else is dancing?", "Hi from the kitchen", "Sound is perfect", "I was at the last one", "This is live? Wow"),
)
COLOURS = ("", "", "", "", "#ffd166", "#ff8fa3", "#7ee0c9", "#8cc0f5", "#d3a8ee")
GIFTS = (("rose", 1), ("heart", 5), ("star", 20), ("cake", 88), ("rocket", 500))
TICK_S = 0.05
AT_FIRST_PER_S = 4.0
MOST_PER_S = 400.0


class Audience:
    """Everybody who watches, and the director who tells them how much to say.

    Attributes:
        per_s: comments per second while somebody watches.
        sent: comments accepted so far.
    """

    def __init__(self, connector: Connector) -> None:
        self.per_s = AT_FIRST_PER_S
        self.sent = 0
        self._connector = connector
        self._random = random.Random()
        self._rooms: list[Room] = []
        self._owed = 0.0
        self._order = 0
        self._sending: set[asyncio.Task[None]] = set()

    async def run(self) -> None:
        """Come in and stay until cancelled."""
        async with AsyncExitStack() as stack:
            director = await stack.enter_async_context(self._connector.client("bot/director"))
            fans = [
                await stack.enter_async_context(self._connector.client(f"user/fan-{number:02}"))
                for number in range(1, len(FANS) + 1)
            ]
            await asyncio.gather(*(self._come(fan, name) for fan, name in zip(fans, FANS, strict=True)))
            room = await director.rooms.join(ROOM)
            obeying = asyncio.create_task(self._obey(room), name="director")
            try:
                await self._talk(room)
            finally:
                obeying.cancel()
                for task in self._sending:
                    task.cancel()
                await asyncio.gather(obeying, *self._sending, return_exceptions=True)

    async def _come(self, fan: Client, name: str) -> None:
        await fan.online()
        await fan.profiles.set(name=name)
        self._rooms.append(await fan.rooms.join(ROOM))

    async def _obey(self, room: Room) -> None:
        async for message in room:
            if message.type == CONTROL and isinstance(message.content, dict):
                asked = message.content.get("per_s")
                if isinstance(asked, (int, float)):
                    self.per_s = min(max(float(asked), 0.0), MOST_PER_S)

    async def _talk(self, room: Room) -> None:
        """A few times per second: as much as is due, by whoever."""
        loop = asyncio.get_running_loop()
        then_s = loop.time()
        while True:
            await asyncio.sleep(TICK_S)
            now_s = loop.time()
            elapsed_s, then_s = min(now_s - then_s, 1.0), now_s
            if not self._watched(room):
                continue
            self._owed += self.per_s * elapsed_s
            while self._owed >= 1:
                self._owed -= 1
                # What cannot be sent in time is not saved up: an audience does not catch up.
                if len(self._sending) < 2 * MOST_PER_S:
                    self._start()

    def _watched(self, room: Room) -> bool:
        return room.stats is not None and room.stats.online > len(FANS) + 1

    def _start(self) -> None:
        task = asyncio.create_task(self._say(self._random.choice(self._rooms)))
        self._sending.add(task)
        task.add_done_callback(self._sending.discard)

    async def _say(self, room: Room) -> None:
        draw = self._random.random()
        try:
            if draw < 0.02:
                gift, amount = self._random.choices(GIFTS, weights=(40, 25, 15, 6, 2))[0]
                self._order += 1
                order = f"fan-{self._random.getrandbits(48):x}-{self._order}"
                await room.give(order, gift, amount=amount, quantity=self._random.choice((1, 1, 1, 5, 10)))
            elif draw < 0.2:
                await room.like(self._random.randint(1, 5))
            colour = self._random.choice(COLOURS)
            lane = "top" if self._random.random() < 0.01 else "scroll"
            await room.danmaku(self._random.choice(SAID), colour=colour, lane="top" if lane == "top" else "scroll")
            self.sent += 1
        except (RequestFailed, ClientStopped):
            # Muted, slow mode, or between two connections: what a person would shrug at.
            return
