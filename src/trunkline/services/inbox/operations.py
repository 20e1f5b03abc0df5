"""Operations on one's own conversations."""

from __future__ import annotations

from trunkline.services.inbox.conversations import Inbox
from trunkline.services.inbox.cursors import Cursors
from trunkline.services.inbox.sync import Syncer
from trunkline.services.operation import Audience, Operation
from trunkline.wire.calls import conversations as calls
from trunkline.wire.calls.messages import Cursor, CursorMove
from trunkline.wire.calls.session import ConversationView, Sync, SyncResult

SCOPE = "messages"


def operations(inbox: Inbox, cursors: Cursors, syncer: Syncer) -> list[Operation]:
    """What one can do with one's conversations."""
    every = Audience.EVERYONE
    return [
        Operation("sync", Sync, SyncResult, syncer.sync, SCOPE, "What changed since a position", every, writes=False),
        Operation(
            "conversation.get",
            calls.ConversationRef,
            ConversationView,
            inbox.get,
            SCOPE,
            "Read a conversation's state",
            every,
            writes=False,
        ),
        Operation(
            "conversation.list",
            calls.ConversationList,
            calls.Conversations,
            inbox.page,
            SCOPE,
            "List conversations",
            every,
            writes=False,
        ),
        Operation(
            "conversation.configure",
            calls.ConversationConfigure,
            ConversationView,
            inbox.configure,
            SCOPE,
            "Change my settings of a conversation",
            every,
        ),
        Operation("cursor.move", CursorMove, Cursor, cursors.move, SCOPE, "Move delivered and read cursors", every),
    ]
