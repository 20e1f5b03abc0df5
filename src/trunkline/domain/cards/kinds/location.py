"""A place, and a position that moves until a time.

``positions`` (last), of a live location only: party -> {latitude, longitude, accuracy_m?, heading_deg?, speed_mps?}.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar

import msgspec
from msgspec import Meta, Struct

from trunkline.base.errors import Code, TrunklineError
from trunkline.domain.cards.card import Actor, Card, Decision
from trunkline.domain.cards.kinds.kind import DAY_MS, CardKind, Latitude, Longitude, check_finite, write

Label = Annotated[str, Meta(max_length=500)]


class LocationData(Struct):
    """A point on the map."""

    latitude: Latitude
    longitude: Longitude
    title: Label = ""
    address: Label = ""


class LiveLocationData(Struct):
    """Where sharing begins; with ``shared`` every member may show its own position on the card."""

    latitude: Latitude
    longitude: Longitude
    title: Label = ""
    shared: bool = False


class Position(Struct, omit_defaults=True):
    """Where the party is now."""

    latitude: Latitude
    longitude: Longitude
    accuracy_m: Annotated[float, Meta(ge=0, le=1e7)] = 0.0
    heading_deg: Annotated[float, Meta(ge=0, le=360)] = 0.0
    speed_mps: Annotated[float, Meta(ge=0, le=1e5)] = 0.0


class Location(CardKind):
    """A place; nothing happens to it."""

    name = "location"
    data_type = LocationData

    def check(self, data: dict[str, Any]) -> LocationData:
        """Coordinates are numbers."""
        place: LocationData = self.read(data)
        check_finite(place.latitude, place.longitude)
        return place


class LiveLocation(CardKind):
    """A position that moves; it ends by itself."""

    name = "live_location"
    data_type = LiveLocationData
    actions: ClassVar[Mapping[str, type[Struct]]] = {"update": Position}
    default_open_ms = 15 * 60_000
    longest_open_ms = DAY_MS

    def check(self, data: dict[str, Any]) -> LiveLocationData:
        """Coordinates are numbers."""
        live: LiveLocationData = self.read(data)
        check_finite(live.latitude, live.longitude)
        return live

    def decide(self, card: Card, actor: Actor, action: str, params: Position, draw: int) -> Decision:
        """Move the actor's own position."""
        check_finite(params.latitude, params.longitude, params.accuracy_m, params.heading_deg, params.speed_mps)
        if actor.party != card.creator and not card.data.shared:
            raise TrunklineError(Code.FORBIDDEN, "only who shares the location moves it")
        return Decision((write("positions", actor, msgspec.to_builtins(params)),))
