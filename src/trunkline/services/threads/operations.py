"""Operations on threads."""

from __future__ import annotations

from trunkline.services.operation import Audience, Operation
from trunkline.services.threads.threads import Threads
from trunkline.wire.calls import messages, threads

SCOPE = "messages"


def operations(service: Threads) -> list[Operation]:
    """What one can do with threads."""
    every = Audience.EVERYONE
    view = threads.ThreadView
    return [
        Operation("thread.get", threads.ThreadRef, view, service.get, SCOPE, "Read a thread", every, writes=False),
        Operation(
            "thread.list", threads.ThreadList, threads.Threads, service.page, SCOPE, "List threads", every, writes=False
        ),
        Operation(
            "thread.history",
            threads.ThreadHistory,
            messages.History,
            service.history,
            SCOPE,
            "Read the replies of a thread",
            every,
            writes=False,
        ),
        Operation("thread.follow", threads.ThreadFollow, view, service.follow, SCOPE, "Follow a thread", every),
        Operation("thread.read", threads.ThreadRead, view, service.read, SCOPE, "Move my cursor in a thread", every),
        Operation(
            "thread.changes",
            threads.ThreadChanges,
            threads.ThreadMarks,
            service.changes,
            SCOPE,
            "Which threads I followed or read since a position",
            every,
            writes=False,
        ),
    ]
