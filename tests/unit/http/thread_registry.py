"""The part of the registry (see ``registry``) that is about threads."""

from __future__ import annotations

from typing import Any

import msgspec

from trunkline.services.operation import Audience
from trunkline.wire.calls import messages, threads
from trunkline.wire.entries import EntryView

ROOT = EntryView(conversation="team", epoch=7, seq=3, at_ms=1, sender="user/u1", type="text", content={})
VIEW = threads.ThreadView(conversation="team", epoch=7, thread=3, root=ROOT)
HISTORY = messages.History(conversation="team", epoch=7, head=3, entries=[ROOT])

_EVERYONE = Audience.EVERYONE

THREAD_TABLE: tuple[tuple[str, type[msgspec.Struct], type[msgspec.Struct], Any, str, Audience], ...] = (
    ("thread.get", threads.ThreadRef, threads.ThreadView, VIEW, "messages", _EVERYONE),
    ("thread.list", threads.ThreadList, threads.Threads, threads.Threads([VIEW]), "messages", _EVERYONE),
    ("thread.history", threads.ThreadHistory, messages.History, HISTORY, "messages", _EVERYONE),
    ("thread.follow", threads.ThreadFollow, threads.ThreadView, VIEW, "messages", _EVERYONE),
    ("thread.read", threads.ThreadRead, threads.ThreadView, VIEW, "messages", _EVERYONE),
    ("thread.changes", threads.ThreadChanges, threads.ThreadMarks, threads.ThreadMarks([], 5), "messages", _EVERYONE),
)
