"""The structure of a community, kept in the settings of its conversation, and how each change alters it.

``fold`` is the only way it changes, in memory, after a restart and in the projection alike. Not here: who may change it
(``permissions``), members (those of the community's conversation).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

KIND = "community"
CHANNEL = "channel"
KEY = "community"
"""Of the structure in the settings of a community, and of the community's id in those of a channel."""
MAX_CHANNELS = 500
MAX_CATEGORIES = 100
MAX_GROUPS = 100
MAX_GROUP_MEMBERS = 1_000
MAX_ASSIGNED = 10_000
"""Places in all user groups of a community together."""
MAX_BANS = 10_000
MAX_GONE = 1_000
"""Deleted channels that are remembered, so that devices drop them."""

Structure = dict[str, Any]


def empty() -> Structure:
    """A community without channels, in which everyone sees and speaks."""
    return {
        "everyone": {"allow": ["send", "view"], "deny": []},
        "categories": {},
        "channels": {},
        "groups": {},
        "bans": [],
        "gone": [],
    }


def fold(structure: Structure, change: dict[str, Any]) -> None:
    """Apply one ``community.changed``."""
    op = change["op"]
    if op in ("categories", "channels", "groups"):
        _put(structure, op, change["id"], change.get("value"))
    elif op == "assign":
        group = structure["groups"].get(change["group"])
        if group is not None:
            gone = set(change["remove"])
            kept = dict.fromkeys(party for party in group["members"] if party not in gone)
            group["members"] = list(kept | dict.fromkeys(change["add"]))
    elif op == "everyone":
        structure["everyone"] = change["value"]
    elif op == "ban":
        others = [party for party in structure["bans"] if party != change["party"]]
        structure["bans"] = [*others, change["party"]] if change["on"] else others


def _put(structure: Structure, table: str, name: str, value: dict[str, Any] | None) -> None:
    rows = structure[table]
    if value is not None:
        members = rows.get(name, {}).get("members", []) if table == "groups" else None
        rows[name] = value if members is None else value | {"members": members}
        return
    rows.pop(name, None)
    if table == "channels":
        structure["gone"] = [*structure["gone"], name][-MAX_GONE:]
    elif table == "categories":
        for channel in structure["channels"].values():
            if channel["category"] == name:
                channel["category"] = ""
    else:
        for holder in (*structure["categories"].values(), *structure["channels"].values()):
            holder["groups"].pop(name, None)


def leave(structure: Structure, parties: Iterable[str]) -> None:
    """Who leaves a community is in none of its user groups any more."""
    gone = set(parties)
    for group in structure["groups"].values():
        group["members"] = [party for party in group["members"] if party not in gone]
