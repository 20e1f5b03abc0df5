"""Searching messages."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct, field

from trunkline.wire.calls.messages import MessageType, Position
from trunkline.wire.entries import EntryView


class MessageSearch(Struct, kw_only=True):
    """Find messages that have all words of ``text``, newest first.

    ``text`` holds words, "phrases", beginnings* and -exclusions. Without ``conversation`` everything the caller may
    see is searched, in an app server's own name the whole app. ``after`` is the ``next`` of the page before.
    """

    text: Annotated[str, Meta(max_length=1024)]
    conversation: Annotated[str, Meta(max_length=64)] = ""
    sender: Annotated[str, Meta(max_length=80)] = ""
    types: Annotated[list[MessageType], Meta(max_length=16)] = field(default_factory=list)
    from_ms: Position = 0
    to_ms: Position = 0
    after: Annotated[str, Meta(max_length=64)] = ""
    limit: Annotated[int, Meta(ge=1, le=100)] = 20


class Highlight(Struct):
    """A place in a text: from ``start`` up to, and not including, ``end``, in code points."""

    start: int
    end: int


class SearchHit(Struct):
    """A message that matches.

    ``text`` is what was searched in it, ``highlights`` where the words stand in it, ascending.
    """

    entry: EntryView
    text: str
    highlights: list[Highlight]


class SearchPage(Struct, omit_defaults=True):
    """Hits, newest first. A page may be short while ``next`` leads on.

    ``behind`` is how many commit groups are not in the index yet; ``building`` says that it still reads what existed
    before it was switched on.
    """

    hits: list[SearchHit]
    next: str = ""
    behind: int = 0
    building: bool = False
