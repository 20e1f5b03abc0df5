"""The parts of rooms, connected; a feature that adds typed messages attaches itself here.

What a feature uses: ``directory.get`` (a live room), ``sender.publish`` (a message the server makes),
``sender.on_accepted``, ``joining.on_joined`` and ``joining.on_left``; its message types are in
``domain.rooms.catalogue``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from trunkline.base.clock import Randomness
from trunkline.domain.rooms.catalogue import BUILT_IN
from trunkline.domain.rooms.notices import JOINED, LEFT
from trunkline.domain.rooms.policy import RoomMessageType, RoomTypes
from trunkline.services.log.engine import Engine
from trunkline.services.log.ports import Timer
from trunkline.services.rooms.attributes import RoomAttributeBook
from trunkline.services.rooms.directory import RoomDirectory
from trunkline.services.rooms.fanout import Fanout
from trunkline.services.rooms.joining import Joining
from trunkline.services.rooms.limits import RoomLimits
from trunkline.services.rooms.rooms import Rooms
from trunkline.services.rooms.sending import RoomSender
from trunkline.services.rooms.standing import Standing
from trunkline.services.sessions.delivery import Delivery
from trunkline.services.sessions.hub import Hub


@dataclass(frozen=True, slots=True)
class RoomSystem:
    """Everything about rooms."""

    directory: RoomDirectory
    joining: Joining
    sender: RoomSender
    rooms: Rooms
    standing: Standing
    attributes: RoomAttributeBook
    fanout: Fanout


def build_rooms(
    engine: Engine,
    hub: Hub,
    delivery: Delivery,
    timer: Timer,
    randomness: Randomness,
    limits: RoomLimits,
    draw: Callable[[], float],
    types: Iterable[RoomMessageType] = BUILT_IN,
) -> RoomSystem:
    """Connect rooms to the log, the sessions and the loop; ``draw`` is uniform in [0, 1)."""
    fanout = Fanout(timer, engine.clock)
    directory = RoomDirectory(engine, fanout, RoomTypes(types), limits)
    delivery.to_room = directory.on_entry
    joining = Joining(directory, hub)
    sender = RoomSender(directory, draw)
    joining.on_joined(lambda live, party: sender.notify(live, JOINED, party))
    joining.on_left(lambda live, party: sender.notify(live, LEFT, party))
    return RoomSystem(
        directory,
        joining,
        sender,
        Rooms(directory, joining, randomness),
        Standing(directory, joining),
        RoomAttributeBook(directory, joining),
        fanout,
    )
