"""Who is in the demo's site and what they have said before somebody opens it: people, conversations, a live room.

Everything is done by SDK clients, as any app would. Not here: the audience of the room (``audience``), the pages
(``site``).
"""

from __future__ import annotations

import asyncio
import ssl
import time
from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass

from trunkline.client import Client

ROOM = "r.rooftop"
GROUP_NAME = "Rooftop concert"
HOUR_MS = 3_600_000
CONTROL = "x.demo.audience"
"""What the page's slider sends, and the director obeys."""


@dataclass(frozen=True, slots=True)
class Persona:
    """Somebody one can be.

    Attributes:
        id: the party is ``user/`` and this; the picture is ``/demo/avatars/`` and this.
        name: shown.
        role: what they do, for the page where one is picked; in English and Chinese.
    """

    id: str
    name: str
    role: tuple[str, str]

    @property
    def party(self) -> str:
        """The party."""
        return f"user/{self.id}"


PERSONAS = (
    Persona("ann", "Ann Lindqvist", ("Runs the concert", "音乐会负责人")),
    Persona("bob", "Bob Okafor", ("Sound and light", "音响与灯光")),
    Persona("mei", "陈小梅", ("Hosts the live room", "直播主持")),
    Persona("omar", "Omar Haddad", ("Plays the bass", "贝斯手")),
    Persona("lucia", "Lucía Ortega", ("Sings", "歌手")),
    Persona("ken", "Ken Watanabe", ("Came to listen", "听众")),
)


class Connector:
    """Makes clients of the demo.

    Args:
        url: the server.
        mint: makes a token of a party.
        trust: what TLS connections accept; None for the system's.
    """

    def __init__(self, url: str, mint: Callable[[str], str], trust: ssl.SSLContext | None = None) -> None:
        self._url = url
        self._mint = mint
        self._trust = trust

    def client(self, party: str) -> Client:
        """A client that keeps nothing on the disk."""
        return Client(self._url, self._mint(party), ":memory:", device="demo-script", ssl=self._trust)


async def set_the_scene(connector: Connector) -> None:
    """Give everybody a name and a picture, and the conversations something to look at."""
    async with AsyncExitStack() as stack:
        people: dict[str, Client] = {}
        for persona in PERSONAS:
            people[persona.id] = await stack.enter_async_context(connector.client(persona.party))
        await asyncio.gather(*(client.online() for client in people.values()))
        await asyncio.gather(
            *(
                people[persona.id].profiles.set(name=persona.name, avatar=f"/demo/avatars/{persona.id}.svg")
                for persona in PERSONAS
            )
        )
        await _conversations(people)
        await _room(people["mei"])


async def _conversations(people: dict[str, Client]) -> None:
    ann, bob, mei, omar, lucia = (people[name] for name in ("ann", "bob", "mei", "omar", "lucia"))
    made = await ann.groups.create(name=GROUP_NAME, members=[persona.party for persona in PERSONAS[1:]])
    group = made.conversation
    await ann.send(group, "Doors open at seven. Everything we need for tonight goes in here.")
    plan = await bob.send(group, "The weather holds: clear sky, hardly any wind. Amplifiers are on the roof.")
    await mei.send(group, "直播间已经准备好了，七点半开播。 The live room goes on air at half past seven.")
    poll = await ann.cards.create(
        group,
        "poll",
        {"question": "Which song comes first?", "options": ["Night Bus", "Paper Boats", "Orange Sky"]},
    )
    for client, choice in ((bob, 1), (lucia, 1), (omar, 0)):
        await client.cards.act(group, poll.seq, "vote", {"choices": [choice]})
    await ann.cards.create(
        group,
        "todo",
        {
            "title": "Before the doors open",
            "items": [{"text": "Sound check"}, {"text": "String lights"}, {"text": "Test the stream"}],
        },
    )
    now_ms = int(time.time() * 1000)
    await mei.cards.create(
        group,
        "event",
        {
            "title": "Rooftop concert",
            "starts_at_ms": now_ms + 2 * HOUR_MS,
            "ends_at_ms": now_ms + 5 * HOUR_MS,
            "place": "Roof of the old print works",
        },
    )
    await lucia.send(group, "Perfect. See you up there", reply_to=plan.seq)
    await bob.send("user/ann", "Can you open the group call when you are here? I want to check the microphones.")
    await ann.send("user/bob", "Yes. Press the call button on the left, I will join.")
    await omar.send("user/ann", "Bass is packed. On my way.")
    await lucia.send("user/mei", "Can you read my comments in the live room?")
    await mei.send("user/lucia", "能看到！ Loud and clear.")


async def _room(host: Client) -> None:
    await host.rooms.create(
        ROOM,
        name="Rooftop concert",
        keep_alive=True,
        messages_per_s=300,
        types={CONTROL: {"delivery": "latest-wins", "least": "audience"}},
    )
    await host.rooms.role(ROOM, "co-host", "user/ann")
    await host.rooms.role(ROOM, "moderator", "bot/director")
