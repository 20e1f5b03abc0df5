"""What an application holds of a message on its way.

What is not here: moving it (``sending``).
"""

from __future__ import annotations

import asyncio
from collections.abc import Generator
from typing import Any

from trunkline.client.store import OutboxRow
from trunkline.wire.calls.messages import MessageSent


class SendHandle:
    """A message on its way: await it for the position it was given.

    Attributes:
        outbox: with ``n`` the id of the send; the entry carries both.
        n: see ``outbox``.
        conversation: where it goes; empty while a direct conversation's id cannot be computed yet.
    """

    def __init__(self, row: OutboxRow, loop: asyncio.AbstractEventLoop) -> None:
        self.row = row
        self.stored: asyncio.Future[None] = loop.create_future()
        self.result: asyncio.Future[Any] = loop.create_future()
        for future in (self.stored, self.result):
            # Nobody has to wait for a handle; an outcome nobody asked for is no error of the loop.
            future.add_done_callback(lambda done: done.cancelled() or done.exception())

    @property
    def outbox(self) -> str:
        """Id of the outbox."""
        return self.row.outbox

    @property
    def n(self) -> int:
        """Number in the outbox."""
        return self.row.n

    @property
    def conversation(self) -> str:
        """Where it goes."""
        return self.row.conversation

    @property
    def done(self) -> bool:
        """Whether the outcome is known."""
        return self.result.done()

    async def persisted(self) -> None:
        """Wait until the message is on disk; from then on it survives a crash of this process.

        Raises:
            StoreUnusable: the disk refused it; the message was not and will not be sent.
        """
        await asyncio.shield(self.stored)

    def __await__(self) -> Generator[Any, None, MessageSent]:
        """Wait for the position.

        Raises:
            RequestFailed: refused; it will never be applied.
            StoreUnusable: it could not be stored and was not sent.
            ClientStopped: the client stopped first; the message stays in the outbox.
        """
        return asyncio.shield(self.result).__await__()
