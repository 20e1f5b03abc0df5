"""Threads: replies to a message, apart from the conversation's own unread."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct, field

from trunkline.wire.calls.messages import Position, Seq
from trunkline.wire.calls.session import ConversationName
from trunkline.wire.entries import EntryView


class ThreadRef(Struct):
    """Names a thread by the message it began with."""

    conversation: ConversationName
    thread: Seq


class ThreadFollow(Struct):
    """Follow a thread, or follow it no longer."""

    conversation: ConversationName
    thread: Seq
    on: bool = True


class ThreadRead(Struct):
    """Tell how far I have read in a thread: the seq of a reply; cursors only move forward."""

    conversation: ConversationName
    thread: Seq
    read: Seq


class ThreadHistory(Struct, kw_only=True):
    """Replies of a thread with ``from_seq <= seq <= to_seq`` (0 = open end), ascending.

    ``newest_first`` takes the last ``limit`` of the range instead of the first.
    """

    conversation: ConversationName
    thread: Seq
    from_seq: Position = 0
    to_seq: Position = 0
    limit: Annotated[int, Meta(ge=1, le=500)] = 100
    newest_first: bool = False


class ThreadList(Struct, kw_only=True):
    """List the threads I follow, or all of a conversation, the most recently active first.

    With ``unread_only`` a page may be short, also an empty one; go on while there is a ``next``.
    """

    conversation: ConversationName = ""
    unread_only: bool = False
    after: Annotated[str, Meta(max_length=256)] = ""
    limit: Annotated[int, Meta(ge=1, le=100)] = 50


class ThreadView(Struct, omit_defaults=True, kw_only=True):
    """A thread as the caller sees it: only what the caller may see counts.

    ``root`` is the message it began with (a placeholder for who may not see it), ``last`` the newest reply that was not
    taken back, ``participants`` those who replied, the most recent first, at most 20.
    """

    conversation: str
    epoch: int
    thread: int
    root: EntryView
    replies: int = 0
    last: EntryView | None = None
    participants: list[str] = field(default_factory=list)
    following: bool = False
    read: int = 0
    unread: int = 0
    unread_mentions: int = 0


class Threads(Struct, omit_defaults=True):
    """A page of threads; ``next`` is empty on the last page."""

    threads: list[ThreadView]
    next: str = ""


class ThreadChanges(Struct):
    """Ask which threads I followed, unfollowed or read in after a position of ``sync``."""

    after_pts: Position = 0
    limit: Annotated[int, Meta(ge=1, le=500)] = 200


class ThreadMark(Struct, omit_defaults=True):
    """My mark of a thread: whether I follow it, and the seq up to which I have read there."""

    conversation: str
    thread: int
    following: bool = False
    read: int = 0


class ThreadMarks(Struct, omit_defaults=True):
    """Marks that changed, oldest change first; ``more`` asks for another call from ``pts``."""

    marks: list[ThreadMark]
    pts: int
    more: bool = False
