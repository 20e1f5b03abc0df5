"""Live rooms in the tables: which of them hold something of a party. Rooms have no members, so no inbox tells.

A party's name is looked for in the bytes first; only where it occurs is anything decoded. It is asked for exports and
erasures, which are rare, and reads every room of the app.
"""

from __future__ import annotations

from typing import Any

import msgspec

from trunkline.domain.rooms.book import PARTIES
from trunkline.store.sqlite import chunks
from trunkline.store.sqlite.connection import Database

_ROOMS = "SELECT cid, name, settings FROM conversation WHERE app = ? AND kind = 'room' ORDER BY name"
_CHUNKS = "SELECT body FROM chunk WHERE cid = ? AND instr(body, ?) > 0"

_decode_settings = msgspec.msgpack.Decoder(dict[str, Any]).decode


def of_party(db: Database, app: str, party: str) -> list[tuple[int, str]]:
    """(cid, id) of the rooms in which a party said something or is remembered by name."""
    needle = party.encode()
    found = []
    for cid, name, settings in db.execute(_ROOMS, (app,)).fetchall():
        body = bytes(settings)
        remembered = needle in body and party in _decode_settings(body).get(PARTIES, {})
        if remembered or _spoke(db, cid, party, needle):
            found.append((cid, name))
    return found


def _spoke(db: Database, cid: int, party: str, needle: bytes) -> bool:
    return any(entry.sender == party for (body,) in db.execute(_CHUNKS, (cid, needle)) for entry in chunks.decode(body))
