"""Queries over a party's conversations: what changed, the list, the large ones.

Not here: who gets a row when (``fold``); dropping old tombstones (``retention``).
"""

from __future__ import annotations

import msgspec

from trunkline.services.log.index_port import ConversationListItem, InboxChange
from trunkline.store.sqlite.batch import BLOCKED_SUBJECT, PROFILE_SUBJECT, THREADS_SUBJECT
from trunkline.store.sqlite.connection import Database

_SUBJECTS = {BLOCKED_SUBJECT: "!blocked", PROFILE_SUBJECT: "!profile", THREADS_SUBJECT: "!threads"}

_CHANGES = """
SELECT json_group_array(json_array(i.cid, i.pts, c.name)) FROM (
    SELECT cid, pts FROM inbox WHERE owner = ?1 AND pts > ?2 AND pts <= coalesce((
        SELECT pts FROM inbox WHERE owner = ?1 AND pts > ?2 ORDER BY pts LIMIT 1 OFFSET ?3), 9007199254740991)
) i LEFT JOIN conversation c ON c.cid = i.cid
"""
_LIST = """
SELECT json_group_array(json_array(name, pinned, position, active_at_ms)) FROM (
    SELECT * FROM (
        SELECT c.name, i.pinned, iif(i.pinned, i.position, 0) AS position, c.active_at_ms
        FROM inbox i CROSS JOIN conversation c ON c.cid = i.cid
        WHERE i.owner = ?1 AND i.cid > 0 AND i.left_at_ms = 0 AND i.hidden = 0
        AND c.kind NOT IN ('broadcast', 'channel')
    )
    WHERE ?2 = '' OR (-pinned, position, -active_at_ms, name) > (?3, ?4, ?5, ?2)
    ORDER BY pinned DESC, position, active_at_ms DESC, name LIMIT ?6
)
"""
_MEMBERSHIPS = """
SELECT json_group_array(c.name) FROM inbox i CROSS JOIN conversation c ON c.cid = i.cid WHERE i.owner = ? AND i.cid > 0
"""
_LARGE = """
SELECT json_group_array(c.name) FROM inbox i CROSS JOIN conversation c ON c.cid = i.cid
WHERE i.owner = ? AND i.large = 1 AND i.left_at_ms = 0 AND c.kind NOT IN ('broadcast', 'channel')
"""

_decode_changes = msgspec.json.Decoder(list[tuple[int, int, str | None]]).decode
_decode_list = msgspec.json.Decoder(list[tuple[str, int, int, int]]).decode
_decode_names = msgspec.json.Decoder(list[str]).decode


def changes(db: Database, owner: str, after_pts: int, limit: int) -> list[InboxChange]:
    """Changes after ``after_pts``, oldest first: ``limit`` of them, and all others with the last one's pts."""
    found = _decode_changes(db.execute(_CHANGES, (owner, after_pts, limit - 1)).fetchone()[0])
    result = [InboxChange(name if name is not None else _SUBJECTS[cid], pts) for cid, pts, name in found]
    result.sort(key=lambda change: (change.pts, change.subject))
    return result


def floor(db: Database, owner: str) -> int:
    """The lowest pts from which ``changes`` is complete."""
    row = db.execute("SELECT pts FROM inbox_floor WHERE owner = ?", (owner,)).fetchone()
    return row[0] if row is not None else 0


def conversation_list(
    db: Database, owner: str, after: ConversationListItem | None, limit: int
) -> list[ConversationListItem]:
    """A page of the conversations the party is in and did not hide."""
    key = ("", 0, 0, 0) if after is None else (after.conversation, -int(after.pinned), after.order, -after.active_at_ms)
    found = _decode_list(db.execute(_LIST, (owner, *key, limit)).fetchone()[0])
    found.sort(key=lambda row: (-row[1], row[2], -row[3], row[0]))
    return [ConversationListItem(name, bool(pinned), order, active) for name, pinned, order, active in found]


def memberships(db: Database, owner: str) -> list[str]:
    """Every conversation the party is or was in."""
    return sorted(_decode_names(db.execute(_MEMBERSHIPS, (owner,)).fetchone()[0]))


def large(db: Database, owner: str) -> list[str]:
    """Large conversations the party is in."""
    return sorted(_decode_names(db.execute(_LARGE, (owner,)).fetchone()[0]))
