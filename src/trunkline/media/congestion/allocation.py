"""How the tracks of one subscriber share what its path takes.

Audio is sent always, and its cost comes off first. Then every video track gets its lowest layer, the more important
tracks first; then tracks rise layer by layer, again the more important first, and equals take turns. What finds no
room for its lowest layer is left out altogether, and the caller says so to the client. Pure, and without memory: what
a track gets now comes with its wish. Not here: what the path takes (``estimate``).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

RISE_MARGIN = 1.1
"""A layer above the present one has to fit with this much to spare, or two layers would alternate."""


@dataclass(slots=True, frozen=True)
class Wish:
    """What one subscribed video track could use.

    Attributes:
        sid: which track.
        rank: more important tracks have more: screens, then who speaks, then the others.
        costs_bps: bits a second of each layer as it would be sent, lowest first.
        most: the highest layer the client wants; None when it wants nothing now.
        present: the layer it has now; None when it is left out.
    """

    sid: str
    rank: int
    costs_bps: tuple[float, ...]
    most: int | None
    present: int | None


@dataclass(slots=True, frozen=True)
class Shares:
    """Who gets what.

    Attributes:
        layers: by track: the highest layer to send; None for a track that is left out for lack of room. Tracks the
            client does not want are not named.
        missing_bps: what the next better layer of the most important track that lacks something would cost in
            addition; 0 when everything wanted is sent.
        used_bps: what the shares cost.
    """

    layers: dict[str, int | None]
    missing_bps: float
    used_bps: float


def share(budget_bps: float, wishes: Sequence[Wish]) -> Shares:
    """Share a budget for video."""
    wanted = sorted((wish for wish in wishes if wish.most is not None and wish.costs_bps), key=lambda w: -w.rank)
    layers: dict[str, int | None] = {wish.sid: None for wish in wanted}
    left_bps, missing_bps = budget_bps, 0.0
    for rank in sorted({wish.rank for wish in wanted}, reverse=True):
        for wish in (wish for wish in wanted if wish.rank == rank):
            needed_bps = wish.costs_bps[0] * (RISE_MARGIN if wish.present is None else 1.0)
            if needed_bps <= left_bps:
                layers[wish.sid] = 0
                left_bps -= wish.costs_bps[0]
            else:
                missing_bps = missing_bps or needed_bps - max(left_bps, 0.0)
    for rank in sorted({wish.rank for wish in wanted}, reverse=True):
        left_bps, missing_bps = _raise([wish for wish in wanted if wish.rank == rank], layers, left_bps, missing_bps)
    return Shares(layers, missing_bps, budget_bps - left_bps)


def _raise(
    equals: Sequence[Wish], layers: dict[str, int | None], left_bps: float, missing_bps: float
) -> tuple[float, float]:
    """Raise tracks of one rank in turns, while there is room."""
    for layer in range(1, max(len(wish.costs_bps) for wish in equals)):
        for wish in equals:
            below = layers[wish.sid]
            top = min(wish.most or 0, len(wish.costs_bps) - 1)
            if below is None or below != layer - 1 or layer > top:
                continue
            step_bps = wish.costs_bps[layer] - wish.costs_bps[below]
            rises = wish.present is None or layer > wish.present
            needed_bps = wish.costs_bps[layer] * (RISE_MARGIN if rises else 1.0) - wish.costs_bps[below]
            if needed_bps <= left_bps:
                layers[wish.sid] = layer
                left_bps -= step_bps
            else:
                missing_bps = missing_bps or needed_bps - left_bps
    return left_bps, missing_bps
