"""Block lists: a blocked party cannot send direct messages to whom blocked it.

Not here: the refusal itself (``services.messages``). What was sent before stays, unread counts included.
"""

from __future__ import annotations

from trunkline.base.errors import Code, TrunklineError
from trunkline.domain.identity import Caller, check_party
from trunkline.domain.log.records import BlockChanged
from trunkline.services.log.engine import Engine
from trunkline.services.parties.ports import Pushes
from trunkline.wire.calls.parties import BlockChange, BlockList, Blocks

MAX_BLOCKED = 10_000


class BlockBook:
    """Reads and changes block lists.

    Args:
        engine: the log.
        pushes: tells the party's other devices.
    """

    def __init__(self, engine: Engine, pushes: Pushes) -> None:
        self._engine = engine
        self._pushes = pushes

    async def set(self, caller: Caller, request: BlockChange) -> Blocks:
        """Block or unblock a party; the answer is the whole list. Repeating it changes nothing.

        Raises:
            TrunklineError: ``INVALID_PARTY``, ``FORBIDDEN`` for oneself, or ``LIMIT_EXCEEDED``.
        """
        other = check_party(request.party)
        if other == caller.party:
            raise TrunklineError(Code.FORBIDDEN, "A party cannot block itself.", field="party")
        state = await self._engine.party(caller.app, caller.party)
        if (other in state.blocked) != request.on:
            if request.on and len(state.blocked) >= MAX_BLOCKED:
                raise TrunklineError(Code.LIMIT_EXCEEDED, f"A block list holds at most {MAX_BLOCKED} parties.")
            self._engine.check_room()
            self._engine.append_party(BlockChanged(caller.app, caller.party, other, request.on))
            self._engine.commits.release(self._push, caller, Blocks(sorted(state.blocked)))
        return Blocks(sorted(state.blocked))

    async def list(self, caller: Caller, request: BlockList) -> Blocks:
        """Whom the caller blocks."""
        state = await self._engine.party(caller.app, caller.party)
        return Blocks(sorted(state.blocked))

    def _push(self, error: TrunklineError | None, caller: Caller, blocks: Blocks) -> None:
        if error is None:
            self._pushes.push(caller.app, caller.party, "blocked", blocks)
