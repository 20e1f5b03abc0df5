"""What a content looks like by its bytes, asked of puremagic."""

from __future__ import annotations

import puremagic

from trunkline.domain.files.media_types import EXECUTABLE, executable_of, usual

HEAD_BYTES = 64 * 1024
_OGG_VIDEO = b"\x80theora"


def candidates(head: bytes) -> list[str]:
    """Types whose signature the content carries, likeliest first, under their usual names; [] when none is known."""
    if executable_of(head):
        return [EXECUTABLE]
    if not head:
        return []
    try:
        matches = puremagic.magic_string(head)
    except (puremagic.PureError, ValueError):
        return []
    found = usual(match.mime_type for match in matches)
    if "audio/ogg" in found and _OGG_VIDEO in head[:4096]:
        found.insert(0, "video/ogg")
    return found
