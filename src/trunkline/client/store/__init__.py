"""The client's local store: one SQLite file that is the truth about what this device sent, holds and showed.

``database`` opens it and runs transactions, ``schema`` is its shape; ``outbox``, ``history``, ``conversations`` and
``consumers`` each own their tables. Nothing here waits or talks to a server. All calls are short and run in the event
loop's thread: an apply commits in tens of microseconds, an outbox insert in the time of one fsync.
"""

from trunkline.client.store.conversations import ConversationRow, ConversationTable
from trunkline.client.store.database import Database, StoreInUse, StoreUnusable
from trunkline.client.store.history import Applied, HistoryTable
from trunkline.client.store.local import LocalStore
from trunkline.client.store.outbox import OutboxRow, OutboxTable, SendStatus

__all__ = [
    "Applied",
    "ConversationRow",
    "ConversationTable",
    "Database",
    "HistoryTable",
    "LocalStore",
    "OutboxRow",
    "OutboxTable",
    "SendStatus",
    "StoreInUse",
    "StoreUnusable",
]
