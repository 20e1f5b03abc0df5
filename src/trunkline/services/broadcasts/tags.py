"""Setting and reading the tags of parties; the app's business only."""

from __future__ import annotations

from trunkline.domain.broadcasts.audience import check_tags
from trunkline.domain.identity import Caller, check_party
from trunkline.domain.log.records import TagsChanged
from trunkline.services.broadcasts.moments import Moments
from trunkline.services.broadcasts.ports import BroadcastIndex
from trunkline.services.log.engine import Engine
from trunkline.wire.calls import broadcasts as calls


class TagBook:
    """Tags of parties.

    Args:
        engine: the log.
        index: tags through time.
        moments: the order of changes.
    """

    def __init__(self, engine: Engine, index: BroadcastIndex, moments: Moments) -> None:
        self._engine = engine
        self._index = index
        self._moments = moments

    async def set(self, caller: Caller, request: calls.TagsSet) -> calls.TagsChanged:
        """Give parties exactly these tags, all of them or (when refused) none.

        Raises:
            TrunklineError: ``INVALID_PARTY``, ``INVALID_TAG`` or ``LIMIT_EXCEEDED``.
        """
        engine = self._engine
        tags = check_tags(request.tags)
        parties = list(dict.fromkeys(check_party(party, "parties") for party in request.parties))
        engine.check_room(len(parties))
        now_ms = engine.clock.now_ms()
        for party in parties:
            engine.append_record(TagsChanged(caller.app, party, tags, self._moments.next(), now_ms))
        return calls.TagsChanged(len(parties))

    async def get(self, caller: Caller, request: calls.TagsGet) -> calls.Tags:
        """The tags a party has now."""
        party = check_party(request.party)
        await self._engine.commits.settled()
        await self._engine.projected(self._engine.committed_lsn)
        return calls.Tags(party, list(await self._index.tags(caller.app, party)))
