"""Asking an app before a message of its users is accepted: the port, and what it means for sending.

Sending knows only for which apps it must ask. Not here: who is asked and how (``services.webhooks.asking``).
"""

from __future__ import annotations

from collections.abc import Set as AbstractSet
from typing import NamedTuple, Protocol

from trunkline.domain.identity import Caller


class Approval(NamedTuple):
    """The app agrees; ``content`` replaces that of the message, unless it is None."""

    content: bytes | None = None


APPROVED = Approval()


class Said(NamedTuple):
    """What somebody wants to say, where; ``edits`` is the seq of a message that it would replace."""

    conversation: str
    kind: str
    type: str
    content: bytes
    to: str = ""
    reply_to: int = 0
    mentions: tuple[str, ...] = ()
    edits: int = 0


class MustAsk(Exception):
    """Everything is in order but the app's approval."""

    def __init__(self, said: Said) -> None:
        super().__init__(said.conversation)
        self.said = said


class BeforeSend(Protocol):
    """Asks apps."""

    @property
    def apps(self) -> AbstractSet[str]:
        """The apps that want to be asked; always the same, live object."""
        ...

    async def ask(self, caller: Caller, said: Said) -> Approval:
        """Wait for the app's answer, within its deadline.

        Raises:
            TrunklineError: ``HOOK_REJECTED`` or ``HOOK_UNAVAILABLE``.
        """
        ...


class NobodyAsks:
    """No app wants to be asked."""

    apps: AbstractSet[str] = frozenset()

    async def ask(self, caller: Caller, said: Said) -> Approval:
        """Agree."""
        return APPROVED
