"""What a room's log remembers of parties by name, and of attributes: a fold over the room's entries.

Named are those who hold a role, are muted, banned or on the allow-list; the audience is not. Kept as plain data inside
the conversation's settings, so that the log, a restart and the index agree without a table of their own.

Not here: who may change it (``rules``), attributes that end with a member's stay (``attributes``).
"""

from __future__ import annotations

from typing import Any, NamedTuple

from trunkline.domain.rooms.roles import Role

PARTIES = "named"
ATTRIBUTES = "attributes_kept"
MAX_NAMED = 5_000
FOREVER_MS = 2**53 - 1


class Named(NamedTuple):
    """What is remembered of one party."""

    role: Role = Role.AUDIENCE
    muted_until_ms: int = 0
    banned_until_ms: int = 0
    allowed: bool = False


NOBODY = Named()


def named(settings: dict[str, Any], party: str) -> Named:
    """What a room's settings remember of a party."""
    found = settings.get(PARTIES, {}).get(party)
    return Named(Role(found[0]), found[1], found[2], bool(found[3])) if found is not None else NOBODY


def all_named(settings: dict[str, Any]) -> dict[str, Named]:
    """Everyone remembered."""
    return {party: named(settings, party) for party in settings.get(PARTIES, {})}


def apply_parties(settings: dict[str, Any], content: dict[str, Any], at_ms: int) -> None:
    """Apply a ``room.parties_changed`` entry. Mutes and bans that have ended are forgotten on the way."""
    book = settings.setdefault(PARTIES, {})
    for party in content["parties"]:
        before = named(settings, party)
        after = Named(
            Role(content.get("role", before.role)),
            content.get("muted_until_ms", before.muted_until_ms),
            content.get("banned_until_ms", before.banned_until_ms),
            content.get("allowed", before.allowed),
        )
        book[party] = [int(after.role), after.muted_until_ms, after.banned_until_ms, int(after.allowed)]
    for party in [party for party, row in book.items() if _empty(row, at_ms)]:
        del book[party]


def apply_attributes(settings: dict[str, Any], content: dict[str, Any]) -> None:
    """Apply a ``room.attributes_changed`` entry."""
    kept = settings.setdefault(ATTRIBUTES, {})
    for key, value, version, owner in content.get("set", ()):
        kept[key] = [value, version, owner]
    for key in content.get("removed", ()):
        kept.pop(key, None)


def _empty(row: list[int], at_ms: int) -> bool:
    role, muted_until_ms, banned_until_ms, allowed = row
    return not role and not allowed and muted_until_ms <= at_ms and banned_until_ms <= at_ms
