"""Who may do what in a community: an explicit order, the same for everyone who asks.

1. The owner, admins and the app server may do everything.
2. Otherwise the levels are taken in order: community, category, channel; each begins with what the one before left. At
   each level first what it says for *everyone* counts (allow adds, deny takes away), then what it says for the party's
   user groups: their allows are added, then their denies taken away. So among groups a deny wins, a group wins over
   everyone, and a channel wins over its category.
3. Who may not view a channel may do nothing in it.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Literal, get_args

from trunkline.domain.communities.structure import Structure
from trunkline.domain.conversation.state import ADMIN, OWNER

Permission = Literal["view", "send", "mention_all", "manage_messages", "manage_channels", "manage_groups", "ban"]
ALL: frozenset[str] = frozenset(get_args(Permission))
NOTHING: frozenset[str] = frozenset()


def permissions_of(structure: Structure, role: str, groups: Iterable[str], channel: str = "") -> frozenset[str]:
    """What a member of a role and of some user groups may do: in a channel, or in the community at large."""
    if role in (OWNER, ADMIN):
        return ALL
    mine = tuple(groups)
    known = structure["groups"]
    allowed = _apply(set(), structure["everyone"], [known[group] for group in mine if group in known])
    row = structure["channels"].get(channel) if channel else None
    if channel and row is None:
        return NOTHING
    if row is not None:
        category = structure["categories"].get(row["category"])
        for level in (category, row):
            if level is not None:
                overwrites = [level["groups"][group] for group in mine if group in level["groups"]]
                allowed = _apply(allowed, level["everyone"], overwrites)
        if "view" not in allowed:
            return NOTHING
    return frozenset(allowed)


def _apply(before: set[str], everyone: dict[str, Any], groups: list[dict[str, Any]]) -> set[str]:
    after = (before | set(everyone["allow"])) - set(everyone["deny"])
    for group in groups:
        after |= set(group["allow"])
    for group in groups:
        after -= set(group["deny"])
    return after
