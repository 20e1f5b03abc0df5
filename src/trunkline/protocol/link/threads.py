"""How replies change the message their thread began with, and whom they make followers.

Server, projections and clients use the same rules, so that all of them converge. Not here: counting what is unread.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from trunkline.wire import entries as types
from trunkline.wire.entries import Overlay

REMOVALS = frozenset({types.RECALLED, types.EXPIRED})
"""Entry types that take a reply back; they name its thread."""


def fold_reply(overlay: Overlay, *, seq: int, at_ms: int, type: str) -> None:
    """Apply a reply, or the removal of one, to the overlay of its thread's first message; once each."""
    if seq <= overlay.as_of:
        return
    overlay.as_of = seq
    if type in REMOVALS:
        overlay.replies -= 1
    else:
        overlay.replies += 1
        overlay.last_reply_seq = seq
        overlay.last_reply_at_ms = at_ms


def new_followers(
    seq: int, sender: str, mentions: Iterable[str], root_sender: str, *, first: bool
) -> Iterator[tuple[str, int]]:
    """Who follows a thread from the reply at ``seq`` on, if not before, and up to where each has read.

    Who replies has read up to the own reply. Who is mentioned by name begins with that reply as unread, and so does the
    sender of the first message when the ``first`` reply comes (``root_sender`` is "" where it deleted that message for
    itself).
    """
    yield sender, seq
    for party in dict.fromkeys(mentions):
        if party not in ("*", sender):
            yield party, seq - 1
    if first and root_sender != sender:
        yield root_sender, seq - 1
