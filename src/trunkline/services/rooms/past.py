"""What was said before: entries of a room's log as they are now, after edits, recalls and erasures."""

from __future__ import annotations

from trunkline.domain.rooms.tick import Item
from trunkline.services.log.engine import Engine
from trunkline.services.log.reading import read_overlays, read_range
from trunkline.services.log.residents import ResidentConversation
from trunkline.wire.content import encode_content


async def read_items(
    engine: Engine, resident: ResidentConversation, first: int, last: int, limit: int, newest_first: bool = False
) -> list[Item]:
    """Durable entries of a range; what was taken back has no content, what was edited its present one."""
    entries = await read_range(engine, resident, first, last, limit, newest_first)
    if not entries:
        return []
    overlays = await read_overlays(engine, resident, entries[0].seq, entries[-1].seq)
    items = []
    for entry in entries:
        content = entry.content
        now = overlays.get(entry.seq)
        if now is not None and (now.recalled or now.expired or now.erased):
            content = b""
        elif now is not None and now.edited_seq:
            content = encode_content(now.content)
        items.append(Item(entry.type, entry.sender, entry.at_ms, content, seq=entry.seq, target=entry.target))
    return items
