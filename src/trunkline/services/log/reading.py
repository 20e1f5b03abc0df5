"""Reading a conversation: the unprojected tail first, then the index; a hole is an error, never an answer."""

from __future__ import annotations

from trunkline.base.errors import Code, TrunklineError
from trunkline.domain.log.records import Entry
from trunkline.protocol.link.overlays import CHANGES_A_MESSAGE, fold
from trunkline.protocol.link.threads import fold_reply
from trunkline.services.log.engine import Engine
from trunkline.services.log.residents import ResidentConversation
from trunkline.wire.content import decode_content
from trunkline.wire.entries import Overlay


async def read_range(
    engine: Engine, resident: ResidentConversation, first: int, last: int, limit: int, newest_first: bool = False
) -> list[Entry]:
    """Committed entries with ``first <= seq <= last``: the lowest ``limit``, or the highest; ascending.

    Raises:
        TrunklineError: ``INTERNAL`` when the store has a hole.
    """
    last = min(last, resident.committed)
    first = max(first, 1)
    if first > last:
        return []
    if newest_first:
        first = max(first, last - limit + 1)
    else:
        last = min(last, first + limit - 1)
    # The tail must be captured before the index is asked: what leaves the tail in between is in the index.
    tail = [entry for _, entry in resident.entries if first <= entry.seq <= last]
    below = tail[0].seq - 1 if tail else last
    found: list[Entry] = []
    if below >= first:
        found = await engine.index.entries(resident.app, resident.id, first, below, below - first + 1, False)
    entries = found + tail
    if len(entries) != last - first + 1 or entries[0].seq != first or entries[-1].seq != last:
        raise TrunklineError(Code.INTERNAL, f"the log of {resident.id} has a hole between {first} and {last}")
    return entries


async def read_entry(engine: Engine, resident: ResidentConversation, seq: int) -> Entry | None:
    """One committed entry, or None when it does not exist."""
    if not 1 <= seq <= resident.committed:
        return None
    return (await read_range(engine, resident, seq, seq, 1))[0]


async def read_overlays(engine: Engine, resident: ResidentConversation, first: int, last: int) -> dict[int, Overlay]:
    """Present state of the changed messages in a range: the index's, with the committed tail folded on top."""
    tail = [entry for _, entry in resident.entries if entry.target or entry.thread]
    overlays = await engine.index.overlays(resident.app, resident.id, first, last)
    for entry in tail:
        if first <= entry.target <= last and entry.type in CHANGES_A_MESSAGE:
            fold(
                overlays.setdefault(entry.target, Overlay()),
                seq=entry.seq,
                at_ms=entry.at_ms,
                sender=entry.sender,
                type=entry.type,
                content=decode_content(entry.content),
            )
        if entry.thread and first <= entry.thread <= last:
            overlay = overlays.setdefault(entry.thread, Overlay())
            fold_reply(overlay, seq=entry.seq, at_ms=entry.at_ms, type=entry.type)
    return overlays
