"""What can go wrong for a user of the SDK.

What is not here: the server's codes (``base.errors``); a client reacts to their ranges and needs no list.
"""

from __future__ import annotations

from trunkline.base.errors import Retry
from trunkline.client.store.database import StoreInUse, StoreUnusable
from trunkline.wire.frames import ErrorBody

__all__ = ["ClientStopped", "OutboxFull", "RequestFailed", "StoreInUse", "StoreUnusable"]


class RequestFailed(Exception):
    """The server refused a request, or its outcome is unknown.

    Attributes:
        code: the stable number, such as 3003; see the error reference.
        name: the same as a word, such as ``not_member``.
        detail: one sentence.
        retry: what may be done.
        applied: False if it certainly changed nothing, None if that is unknown.
        retry_ms: wait at least this long before repeating.
        field: the parameter at fault, if one is.
    """

    def __init__(self, body: ErrorBody) -> None:
        super().__init__(f"{body.code} {body.name}: {body.message}")
        self.code = body.code
        self.name = body.name
        self.detail = body.message
        self.applied = body.applied
        self.retry_ms = body.retry_ms
        self.field = body.field
        try:
            self.retry = Retry(body.retry)
        except ValueError:
            self.retry = Retry.NEVER

    @property
    def family(self) -> int:
        """The thousand of the code: 1 malformed, 2 identity, 3 refused, 4 later, 5 unknown."""
        return self.code // 1000


class ClientStopped(Exception):
    """The client is closed, or the server told it to stay away; what is in the outbox stays there."""


class OutboxFull(Exception):
    """Too many messages wait to be accepted; nothing was stored. Wait for some, or raise ``max_outbox``."""
