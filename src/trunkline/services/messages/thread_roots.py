"""Which messages have, or may begin, a thread: what a send that names one is checked against.

A bounded cache, because sends are decided without awaiting; what it lacks is learned from the log. Not here: reading
threads and following them (``services.threads``).
"""

from __future__ import annotations

from trunkline.base.errors import Code, TrunklineError
from trunkline.domain.conversation.state import Conversation
from trunkline.services.log.engine import Engine
from trunkline.services.log.reading import read_entry, read_overlays
from trunkline.services.log.residents import ResidentConversation
from trunkline.services.messages.views import is_message
from trunkline.wire.entries import Overlay

MAX_KNOWN = 20_000

Key = tuple[str, str, int]


class ThreadRoots:
    """Messages known to be fit for a thread, each with the newest reply in it (0 = none)."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._newest: dict[Key, int] = {}

    def check(self, resident: ResidentConversation, state: Conversation, party: str, root: int) -> bool:
        """Whether a party may reply in the thread of ``root``; False when ``learn`` must be asked first.

        One may reply in a thread of which one may see anything: the message it began with, or a reply.

        Raises:
            TrunklineError: ``NOT_FOUND``, or ``TARGET_UNAVAILABLE`` for a message that was taken back before any reply.
        """
        newest = self._newest.get((resident.app, resident.id, root))
        if newest is None:
            return False
        member = state.members.get(party)
        if member is not None and not member.may_see(root) and not (newest and member.may_see(newest)):
            raise _missing(root)
        if not newest and root in state.removed:
            raise TrunklineError(Code.TARGET_UNAVAILABLE, "the message was taken back", field="thread")
        return True

    def replied(self, resident: ResidentConversation, root: int, seq: int) -> None:
        """A reply was appended."""
        self._newest[resident.app, resident.id, root] = seq

    async def learn(self, resident: ResidentConversation, root: int) -> None:
        """Look a message up.

        Raises:
            TrunklineError: ``NOT_FOUND`` where there is no message, ``TARGET_UNAVAILABLE`` where one is itself a reply.
        """
        key = (resident.app, resident.id, root)
        if key in self._newest:
            return
        entry = await read_entry(self._engine, resident, root)
        if entry is None or not is_message(entry):
            raise _missing(root)
        if entry.thread:
            detail = f"{root} is a reply in the thread of {entry.thread}; name that"
            raise TrunklineError(Code.TARGET_UNAVAILABLE, detail, field="thread")
        overlay = (await read_overlays(self._engine, resident, root, root)).get(root) or Overlay()
        if len(self._newest) >= MAX_KNOWN:
            for old in list(self._newest)[: MAX_KNOWN // 10]:
                del self._newest[old]
        self._newest.setdefault(key, overlay.last_reply_seq)


def _missing(root: int) -> TrunklineError:
    return TrunklineError(Code.NOT_FOUND, f"no message at {root}", field="thread")
