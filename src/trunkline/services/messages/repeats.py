"""Repeats of numbered requests other than a send: the first answer again, and never a second effect.

Edits, recalls, reactions, pins and forwards carry the same kind of id as a send, ``(outbox, n)``. What was accepted
under it is found among the records on their way to the index, else in the index itself.

Not here: sends (``send``), which are decided without awaiting where that is possible.
"""

from __future__ import annotations

from typing import NamedTuple

from trunkline.base.errors import Code, TrunklineError
from trunkline.domain.identity import Caller
from trunkline.domain.log.dedupe import Outbox, Verdict, same_send, send_digest
from trunkline.domain.log.records import Entry
from trunkline.services.log.engine import Engine


class Accepted(NamedTuple):
    """Where the first request with an id went."""

    conversation: str
    seq: int
    at_ms: int


class Repeats:
    """Looks ids up.

    Args:
        engine: the log.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    async def outbox(self, caller: Caller, outbox: str | None, n: int) -> Outbox | None:
        """What is remembered of the outbox a request names; None for a request without an id."""
        if outbox is None or not n:
            return None
        return await self._engine.residents.load_outbox(caller.app, caller.party, outbox)

    async def find(
        self, caller: Caller, outbox: Outbox | None, n: int, conversation: str, chosen: Entry | None
    ) -> Accepted | None:
        """The request that was accepted under this id, which must have been the same one; None when there was none.

        Whoever awaits nothing between a None and appending cannot be overtaken by another request with the id.

        Args:
            caller: whose outbox it is.
            outbox: of the id; None for a request without one.
            n: the number in it.
            conversation: that the request names.
            chosen: an entry with what the caller chose: type, content, target, reply and mentions; None when that
                cannot be known any more, and the conversation must do.

        Raises:
            TrunklineError: ``ID_CONFLICT`` or ``EXPIRED_ID``.
        """
        if outbox is None or n > outbox.highest:
            return None
        recent = outbox.recent.get(n)
        if recent is None:
            engine = self._engine
            await engine.projected(engine.committed_lsn)
            before = await engine.index.sent(caller.app, caller.party, outbox.id, n)
            if (before is not None and before.seq == 0) or outbox.judge(n) is Verdict.EXPIRED:
                raise TrunklineError(Code.EXPIRED_ID, f"id {n} is older than what is remembered", field="n")
            if before is not None:
                if before.conversation != conversation:
                    raise _conflict(n)
                if chosen is not None and before.digest != send_digest(conversation, chosen):
                    raise _conflict(n)
                return Accepted(before.conversation, before.seq, before.at_ms)
            recent = outbox.recent.get(n)
            if recent is None:
                return None
        if not same_send(conversation, chosen or recent.entry, recent.conversation, recent.entry):
            raise _conflict(n)
        return Accepted(recent.conversation, recent.entry.seq, recent.entry.at_ms)


def _conflict(n: int) -> TrunklineError:
    return TrunklineError(Code.ID_CONFLICT, f"n {n} was used for another request", field="n")
