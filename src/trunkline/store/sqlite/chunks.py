"""Entries of a conversation as rows of ``chunk``: encoding, reading a range, finding a time.

A body is the msgpack array of its entries; ``seq`` is dense, so an entry's place in it is known.
Not here: which entries a reader may see (domain), nor when chunks are written (``fold``).
"""

from __future__ import annotations

from typing import Any

import msgspec

from trunkline.domain.log.records import Entry
from trunkline.store.sqlite.connection import Database

MAX_BODY_BYTES = 32 * 1024
"""Reading a single entry decodes its whole chunk; this bounds it."""

_encode = msgspec.msgpack.Encoder().encode
_decode_all = msgspec.msgpack.Decoder(list[Entry]).decode
_decode_raw = msgspec.msgpack.Decoder(list[msgspec.Raw]).decode
_decode_entry = msgspec.msgpack.Decoder(Entry).decode
_decode_rows = msgspec.json.Decoder(list[tuple[int, str]]).decode

_RANGE = """
SELECT json_group_array(json_array(first_seq, hex(body))) FROM chunk
WHERE cid = ?1 AND first_seq <= ?3 AND first_seq >= coalesce(
    (SELECT first_seq FROM chunk WHERE cid = ?1 AND first_seq <= ?2 ORDER BY first_seq DESC LIMIT 1), ?2)
"""
_CHUNK_AT = """
SELECT first_seq, last_seq, first_at_ms, last_at_ms, body FROM chunk
WHERE cid = ? AND first_seq <= ? ORDER BY first_seq DESC LIMIT 1
"""


class IndexDamaged(Exception):
    """The index contradicts itself; it must be rebuilt from the journal or a backup."""


def append_rows(values: list[Any], cid: int, entries: list[Entry]) -> None:
    """Append the flat values of the ``chunk`` rows that hold ``entries``."""
    body = _encode(entries)
    if len(body) > MAX_BODY_BYTES and len(entries) > 1:
        half = len(entries) // 2
        append_rows(values, cid, entries[:half])
        append_rows(values, cid, entries[half:])
        return
    first, last = entries[0], entries[-1]
    values += (cid, first.seq, last.seq, first.at_ms, last.at_ms, body)


def decode(body: bytes) -> list[Entry]:
    """All entries of a chunk."""
    return _decode_all(body)


def encode(entries: list[Entry]) -> bytes:
    """A chunk's body."""
    return _encode(entries)


def read_range(db: Database, cid: int, first: int, last: int) -> list[Entry]:
    """The entries from ``first`` to ``last``, all of which must exist.

    Raises:
        IndexDamaged: one is missing.
    """
    if first > last:
        return []
    rows = _decode_rows(db.execute(_RANGE, (cid, first, last)).fetchone()[0])
    rows.sort()
    entries: list[Entry] = []
    for first_seq, body in rows:
        raws = _decode_raw(bytes.fromhex(body))
        start = max(first - first_seq, 0)
        entries += [_decode_entry(raw) for raw in raws[start : last - first_seq + 1]]
    if len(entries) != last - first + 1 or entries[0].seq != first or entries[-1].seq != last:
        raise IndexDamaged(f"conversation {cid}: entries {first}-{last} are not all there")
    return entries


def seq_at(db: Database, cid: int, head: int, at_ms: int) -> int:
    """The lowest seq whose time is at or after ``at_ms``; 0 when there is none."""
    low, high = 1, head
    while low <= high:
        row = db.execute(_CHUNK_AT, (cid, (low + high) // 2)).fetchone()
        if row is None:
            raise IndexDamaged(f"conversation {cid}: no chunk holds entry {(low + high) // 2}")
        first_seq, last_seq, first_at_ms, last_at_ms, body = row
        if last_at_ms < at_ms:
            low = last_seq + 1
        elif first_at_ms >= at_ms:
            high = first_seq - 1
        else:
            return next(entry.seq for entry in decode(body) if entry.at_ms >= at_ms)
    return low if low <= head else 0
