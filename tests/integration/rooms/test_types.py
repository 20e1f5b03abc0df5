"""What a feature builds on: registered types with a schema, an order id, a key and a merge; publishing and being told.

In process, on a real journal and index, because the types are the test's own.
"""

from __future__ import annotations

import asyncio
import errno
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import pytest
from msgspec import Meta, Raw, Struct, msgpack

from tests.integration.identity.world import Disk, SocketSession, World
from trunkline.base.errors import Code, TrunklineError
from trunkline.domain.identity import Caller
from trunkline.domain.rooms.policy import Delivery as Policy
from trunkline.domain.rooms.policy import Priority, RoomMessageType, for_all
from trunkline.domain.rooms.roles import Role
from trunkline.services.rooms.limits import RoomLimits
from trunkline.services.rooms.live import LiveRoom
from trunkline.services.rooms.system import RoomSystem, build_rooms
from trunkline.services.sessions.delivery import Delivery
from trunkline.wire.calls.rooms import RoomCreate, RoomJoin, RoomSend, RoomSent


class Present(Struct):
    """What a paid message says."""

    order: str
    amount: Annotated[int, Meta(ge=1)]


class Applause(Struct):
    """How much."""

    count: Annotated[int, Meta(ge=1, le=100)] = 1


PRESENT = RoomMessageType(
    "present",
    Policy.RELIABLE,
    Priority.HIGH,
    msgpack.Decoder(Present).decode,
    speech=False,
    order_id=lambda present: str(present.order),
)
APPLAUSE = RoomMessageType(
    "applause",
    Policy.COALESCE,
    check=msgpack.Decoder(Applause).decode,
    key=for_all,
    merge=lambda earlier, later: Applause(earlier.count + later.count),
)
RESULT = RoomMessageType("result", Policy.RELIABLE, sendable=False)
ONSTAGE = RoomMessageType("onstage", Policy.SAMPLE, least=Role.GUEST)


@dataclass
class Stage:
    """A room with two members, and what a feature was told."""

    world: World
    system: RoomSystem
    ann: Caller
    bob: Caller
    heard: SocketSession
    told: list[tuple[str, str, int]]
    came: list[tuple[str, str]]

    async def send(self, who: Caller, type: str, content: Any) -> RoomSent:
        """Send, and wait for the disk."""
        request = RoomSend(conversation="show", type=type, content=Raw(msgpack.encode(content)))
        return await self.world.durable(self.system.sender.send(who, request))

    def live(self) -> LiveRoom:
        """The room."""
        found = self.system.directory.now(self.ann.app, "show")
        assert found is not None
        return found

    async def items(self, type: str) -> list[list[Any]]:
        """What Ann has been sent, once nothing waits for a tick any more."""
        async with asyncio.timeout(10):
            while not self.live().tick.empty or self.live().audience.reached < self.live().audience.end:
                await asyncio.sleep(0.01)
        batches = [data for event, data in self.heard.pushed if event == "room"]
        return [item for batch in batches for item in batch["items"] if item[0] == type]


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncIterator[Stage]:
    async with Disk(tmp_path).open() as world:
        loop = asyncio.get_running_loop()
        delivery = Delivery(world.hub, lambda entry, resident: None)
        world.engine.on_record(delivery.on_record)
        system = build_rooms(
            world.engine,
            world.hub,
            delivery,
            loop,
            world.keys._randomness,
            RoomLimits(tick_ms=5),
            lambda: 0.5,
            (PRESENT, APPLAUSE, RESULT, ONSTAGE),
        )
        created = await world.create_app()
        ann, heard = await world.sign_in(created.key.key, "user/ann")
        bob, _ = await world.sign_in(created.key.key, "user/bob")
        told: list[tuple[str, str, int]] = []
        came: list[tuple[str, str]] = []
        system.sender.on_accepted(lambda live, sender, type, content, seq: told.append((sender, type.name, seq)))
        system.joining.on_joined(lambda live, party: came.append(("in", party)))
        system.joining.on_left(lambda live, party: came.append(("out", party)))
        await world.durable(system.rooms.create(ann, RoomCreate(id="show")))
        for who in (ann, bob):
            await world.durable(system.joining.join(who, RoomJoin(conversation="show")))
        yield Stage(world, system, ann, bob, heard, told, came)


async def test_an_order_id_is_one_message_whoever_repeats_it_and_however_often(stage: Stage) -> None:
    first = await stage.send(stage.bob, "present", {"order": "o-1", "amount": 5})
    for _ in range(3):
        assert await stage.send(stage.bob, "present", {"order": "o-1", "amount": 5}) == first
    with pytest.raises(TrunklineError) as caught:
        await stage.send(stage.bob, "present", {"order": "o-1", "amount": 6})
    assert caught.value.code is Code.ID_CONFLICT
    second = await stage.send(stage.bob, "present", {"order": "o-2", "amount": 5})
    await stage.world.everything_projected()
    stage.world.engine.residents.outboxes.clear()
    assert await stage.send(stage.bob, "present", {"order": "o-1", "amount": 5}) == first
    assert [(i[3]["order"], i[4]) for i in await stage.items("present")] == [("o-1", first.seq), ("o-2", second.seq)]
    assert [t for t in stage.told if t[1] == "present"] == [
        ("user/bob", "present", first.seq),
        ("user/bob", "present", second.seq),
    ]
    counts = stage.live().counters.of("present")
    assert (counts.received, counts.sent, dict(counts.dropped)) == (7, 2, {"repeated": 4})
    assert counts.refused == {"id_conflict": 1}


async def test_an_order_racing_itself_is_one_message(stage: Stage) -> None:
    sends = [stage.send(stage.bob, "present", {"order": "o-1", "amount": 5}) for _ in range(20)]
    assert len({sent.seq for sent in await asyncio.gather(*sends)}) == 1
    assert len(await stage.items("present")) == 1


async def test_contents_are_checked_by_the_types_schema(stage: Stage) -> None:
    for type, content in (("present", {"order": "o", "amount": 0}), ("present", {}), ("applause", {"count": 101})):
        with pytest.raises(TrunklineError) as caught:
            await stage.send(stage.bob, type, content)
        assert caught.value.code is Code.INVALID_CONTENT
    with pytest.raises(TrunklineError) as caught:
        await stage.send(stage.bob, "present", {"order": "o" * 121, "amount": 1})
    assert caught.value.code is Code.INVALID_CONTENT
    assert stage.told == []


async def test_merged_contents_add_up(stage: Stage) -> None:
    for who, count in ((stage.ann, 3), (stage.bob, 4), (stage.bob, 5)):
        await stage.send(who, "applause", {"count": count})
    found = await stage.items("applause")
    assert sum(item[3]["count"] for item in found) == 12
    assert sum(item[5] for item in found) == 3


async def test_the_server_publishes_what_members_may_not_send(stage: Stage) -> None:
    with pytest.raises(TrunklineError) as caught:
        await stage.send(stage.bob, "result", {"winner": "user/bob"})
    assert caught.value.code is Code.UNKNOWN_MESSAGE_TYPE
    seq = stage.system.sender.publish(stage.live(), RESULT, {"winner": "user/ann"})
    await stage.world.engine.commits.settled()
    assert [(i[1], i[3], i[4]) for i in await stage.items("result")] == [("bot/system", {"winner": "user/ann"}, seq)]
    with pytest.raises(TrunklineError) as caught:
        await stage.send(stage.bob, "onstage", {})
    assert caught.value.code is Code.FORBIDDEN


async def test_who_comes_and_goes_is_told(stage: Stage) -> None:
    stage.system.joining.put_out(stage.live(), ["user/bob", "user/nobody"], "kicked")
    assert stage.came == [("in", "user/ann"), ("in", "user/bob"), ("out", "user/bob")]


async def test_what_a_full_disk_refuses_is_counted_and_the_room_goes_on(stage: Stage) -> None:
    stage.world.io.fail_write(errno.ENOSPC)
    with pytest.raises(TrunklineError) as caught:
        await stage.send(stage.bob, "present", {"order": "o-1", "amount": 5})
    assert caught.value.code is Code.DISK_FULL
    sent = await stage.send(stage.bob, "present", {"order": "o-1", "amount": 5})
    await stage.send(stage.bob, "applause", {"count": 1})
    assert [(i[3]["order"], i[4]) for i in await stage.items("present")] == [("o-1", sent.seq)]
    counts = stage.live().counters.of("present")
    assert (counts.received, counts.sent, counts.pending) == (2, 1, 0)
    assert counts.refused == {"disk_full": 1}
