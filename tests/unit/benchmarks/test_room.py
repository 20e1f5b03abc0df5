"""The verdict "every reliable message at every member; counts and drops exact" fails when anything is off by one."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from bench.loadgen import Load
from bench.room import exact

RAW: dict[str, Any] = {
    "sessions": 10,
    "reliable_sent": 100,
    "reliable_received": 1000,
    "volatile_sent": 50,
    "volatile_received": 200,
    "pulled": 0,
    "refused": 0,
}
COUNTS: dict[str, Any] = {
    "x.say": {"received": 100, "sent": 100, "delivered": 1000},
    "x.chat": {"received": 50, "sent": 20, "dropped": {"over_budget": 30}, "delivered": 200},
}
OFF_BY_ONE = [
    *[("raw", (name,)) for name in RAW],
    *[("counts", ("x.say", name)) for name in COUNTS["x.say"]],
    *[("counts", ("x.chat", name)) for name in ("received", "sent", "delivered")],
    ("counts", ("x.chat", "dropped", "over_budget")),
]


def test_what_adds_up_is_exact() -> None:
    assert exact(Load(RAW), COUNTS)
    assert exact(Load(RAW | {"volatile_sent": 0, "volatile_received": 0}), {"x.say": COUNTS["x.say"]})


@pytest.mark.parametrize(("where", "path"), OFF_BY_ONE)
def test_one_more_or_less_anywhere_is_noticed(where: str, path: tuple[str, ...]) -> None:
    for change in (1, -1):
        both = copy.deepcopy({"raw": RAW, "counts": COUNTS})
        place = both[where]
        for name in path[:-1]:
            place = place[name]
        place[path[-1]] += change
        assert not exact(Load(both["raw"]), both["counts"])


def test_a_drop_for_another_reason_is_noticed() -> None:
    counts = copy.deepcopy(COUNTS)
    counts["x.chat"]["dropped"] = {"over_budget": 29, "room_closed": 1}
    assert not exact(Load(RAW), counts)
