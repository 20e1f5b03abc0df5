"""R21: what a device has from following along equals what a device gets that logs in anew, for every kind of state."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import Awaitable, Callable
from typing import Any

import msgspec

from tests.claims.context import Context
from tests.claims.device import Device, id_of
from tests.claims.report import ScenarioReport
from tests.claims.world import World
from trunkline.client import RequestFailed
from trunkline.wire.entries import EntryView

_GROUPS = ("g.r21-a", "g.r21-b")
_MESSAGES = 30
_REST_S = 3.0


async def run(ctx: Context) -> ScenarioReport:
    """Act at random, and compare at every step of a few dozen actions."""
    actions, step = ctx.size(short=(240, 40), full=(10_000, 200))
    report = ScenarioReport("R21", "snapshot + events == fresh snapshot")
    async with World(ctx, report, config={"limits": {"link_rate": 0}}) as world:
        owner = await world.device("user/owner")
        people = [owner, *[await world.device(f"user/u{number}") for number in range(3)]]
        second = await world.device("user/u0", "tablet")
        for conv in _GROUPS:
            await world.group(conv, owner, [device.party for device in people])
        done: Counter[str] = Counter()
        compared = unequal = 0
        for first in range(0, actions, step):
            for _ in range(step):
                await _act(world.rng, world.rng.choice([*people, second]), done)
            logs = await world.come_to_rest()
            heads = {conv: entries[-1].seq for conv, entries in logs.items()}
            fresh = Device(world.server.url, lambda: world.server.token("user/u0"), "user/u0", f"fresh-{first}")
            await fresh.start()
            await fresh.caught_up(heads)
            for followed in (people[1], second):
                compared += 1
                if difference := await _difference_at_rest(fresh, followed):
                    unequal += 1
                    report.check("equal at every step", False, difference)
            await fresh.stop()
        report.n += sum(done.values())
        report.check("every comparison was equal", unequal == 0, f"{compared} comparisons")
        report.notes.append("Actions: " + ", ".join(f"{name} {count:,}" for name, count in sorted(done.items())) + ".")
        report.notes.append(
            "Delete-for-me is left out: a device that follows along is not told of it, only one that pulls the entry"
            " anew."
        )
        verdict = await world.judge()
        report.check("every send got a definite answer", verdict.unresolved == 0)
    return report


async def _difference_at_rest(fresh: Device, followed: Device) -> str:
    """Compare; positions that were read are reported with a delay, so give those a moment to come through."""
    loop = asyncio.get_running_loop()
    deadline_s = loop.time() + _REST_S
    while True:
        one, other = picture(fresh), picture(followed)
        if one == other:
            return ""
        if loop.time() > deadline_s:
            return f"{followed.dev}: {_difference(one, other)}"
        await asyncio.sleep(0.05)


def picture(device: Device) -> dict[str, str]:
    """Return everything a device shows, by what it is."""
    assert device.client is not None
    shown: dict[str, str] = {"blocked": repr(sorted(device.client._store.blocked))}
    for conv in _GROUPS:
        view = device.client.conversations.get(conv)
        assert view is not None
        fields: dict[str, Any] = msgspec.to_builtins(view)
        # How far this very device got is not state that devices share; `last` is in the history below.
        for name in ("delivered", "last", "active_at_ms"):
            fields.pop(name, None)
        for name, value in fields.items():
            shown[f"{conv} {name}"] = repr(value)
        for entry in device.client.local_history(conv, limit=1_000_000):
            shown[f"{conv} entry {entry.seq}"] = _shown(entry)
    return shown


def _shown(entry: EntryView) -> str:
    now = entry.now
    if now is None:
        return repr((entry.sender, entry.type, entry.content))
    reactions = {key: sorted(parties) for key, parties in now.reactions.items() if parties}
    content = None if now.recalled or now.erased or now.expired else now.content if now.edited_seq else entry.content
    state = (now.recalled, now.expired, now.erased, now.pinned, sorted(reactions.items()))
    if state == (False, False, False, False, []) and not now.edited_seq:
        return repr((entry.sender, entry.type, entry.content))
    return repr((entry.sender, entry.type, content, state))


def _difference(fresh: dict[str, str], followed: dict[str, str]) -> str:
    keys = [key for key in sorted({*fresh, *followed}) if fresh.get(key) != followed.get(key)]
    first = keys[0]
    return f"{len(keys)} differ; {first}: fresh {fresh.get(first)}, followed {followed.get(first)}"


async def _act(rng: random.Random, device: Device, done: Counter[str]) -> None:
    """Do one random thing; what the server refuses by a rule changes nothing, which is part of the test."""
    client = device.client
    assert client is not None
    conv = rng.choice(_GROUPS)
    seq = max(1, device.last_seen.get(conv, 1) - rng.randrange(_MESSAGES))
    number = rng.randrange(1 << 30)

    async def send() -> None:
        await device.send(conv, mentions=["user/u0"] if rng.random() < 0.2 else [])

    async def edit() -> None:
        # The first word stays, because it is the id of the message in the history.
        found = client.local_history(conv, before_seq=seq + 1, limit=1)
        word = (id_of(found[0]) if found else None) or "nothing"
        await call("message.edit", seq=seq, content={"text": f"{word} edited {number}"})()

    async def read() -> None:
        client.mark_read(conv)

    async def block() -> None:
        await client.call("block.set", {"party": "user/u2", "blocked": rng.random() < 0.5}, dict)

    def call(method: str, **params: Any) -> Callable[[], Awaitable[Any]]:
        return lambda: client.call(method, {"conversation": conv, **params}, dict)

    choices: dict[str, tuple[int, Callable[[], Awaitable[Any]]]] = {
        "send": (10, send),
        "edit": (4, edit),
        "recall": (2, call("message.recall", seq=seq)),
        "react": (4, call("message.react", seq=seq, key=rng.choice(("+1", "heart")), on=rng.random() < 0.7)),
        "pin": (2, call("message.pin", seq=seq, on=rng.random() < 0.7)),
        "read": (3, read),
        "configure": (2, call("conversation.configure", pinned=rng.random() < 0.5, draft=f"draft {number}")),
        "rename": (1, call("group.update", name=f"name {number}")),
        "mute": (1, call("member.change", party="user/u2", muted_until_ms=rng.choice((0, 4_000_000_000_000)))),
        "block": (1, block),
    }
    name = rng.choices(list(choices), [weight for weight, _ in choices.values()])[0]
    try:
        async with asyncio.timeout(20):
            await choices[name][1]()
        done[name] += 1
    except RequestFailed as refused:
        done[f"{name} refused"] += refused.applied is False
