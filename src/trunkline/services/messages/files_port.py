"""What the sending path asks about messages that name files; ``services.files.access`` implements it.

Types that name no file never come here.
"""

from __future__ import annotations

from typing import Protocol

from trunkline.domain.files.references import Reference
from trunkline.domain.identity import Caller


class MessageFiles(Protocol):
    """Files in messages."""

    def named(self, type: str, content: bytes) -> tuple[Reference, ...]:
        """The files a content names.

        Raises:
            TrunklineError: ``INVALID_CONTENT``.
        """
        ...

    def cleared(self, caller: Caller, named: tuple[Reference, ...]) -> bool:
        """Whether ``clear`` passed a moment ago for all of them."""
        ...

    async def clear(self, caller: Caller, named: tuple[Reference, ...]) -> None:
        """Check that the caller may name them, and that they are what the content says.

        Raises:
            TrunklineError: ``NOT_FOUND`` or ``INVALID_CONTENT``.
        """
        ...

    def attach(self, app: str, named: tuple[Reference, ...], conversation: str, seq: int) -> None:
        """Record that the message names them, in its commit group."""
        ...
