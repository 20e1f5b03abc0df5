"""The parts of broadcasts, connected."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from trunkline.base.clock import Randomness
from trunkline.domain.broadcasts.recipient import KIND
from trunkline.services.broadcasts.broadcasts import Broadcasts
from trunkline.services.broadcasts.members import BroadcastMembers
from trunkline.services.broadcasts.moments import Moments
from trunkline.services.broadcasts.ports import BroadcastIndex
from trunkline.services.broadcasts.pushing import BroadcastPushes
from trunkline.services.broadcasts.tags import TagBook
from trunkline.services.log.engine import Engine
from trunkline.services.sessions.delivery import Delivery
from trunkline.services.sessions.hub import Hub


@dataclass(frozen=True, slots=True)
class BroadcastSystem:
    """Everything about broadcasts."""

    broadcasts: Broadcasts
    tags: TagBook
    pushes: BroadcastPushes

    async def run(self) -> None:
        """Send what is due and push what was sent, for as long as the server runs."""
        await asyncio.gather(self.broadcasts.run(), self.pushes.run())


async def build_broadcasts(
    engine: Engine, index: BroadcastIndex, hub: Hub, delivery: Delivery, randomness: Randomness
) -> BroadcastSystem:
    """Connect broadcasts to the log and the sessions."""
    moments = Moments(await index.last_moment())
    members = BroadcastMembers(engine, index, await index.conversations())
    pushes = BroadcastPushes(engine, index, hub, members)
    delivery.to_virtual[KIND] = pushes.take
    return BroadcastSystem(Broadcasts(engine, index, moments, randomness), TagBook(engine, index, moments), pushes)
