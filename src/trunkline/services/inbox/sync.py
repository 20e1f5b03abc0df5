"""sync(epoch, pts): what changed in a party's inbox, at a cost that follows the changes.

Large conversations are not written to inboxes; a party is in few of them, and their views are
sent with every last page. The edge has registered the session for pushes before it calls this, so
that nothing falls between the answer and the first push.
"""

from __future__ import annotations

from trunkline.base.errors import TrunklineError
from trunkline.domain.identity import Caller
from trunkline.services.inbox.conversations import Inbox
from trunkline.services.log.engine import Engine
from trunkline.services.membership import seen_by
from trunkline.wire.calls.session import ConversationView, Sync, SyncResult


class Syncer:
    """Answers sync."""

    def __init__(self, engine: Engine, inbox: Inbox) -> None:
        self._engine = engine
        self._inbox = inbox

    async def sync(self, caller: Caller, request: Sync) -> SyncResult:
        """The next page of changes after a position.

        A position of another epoch, ahead of us, or below the inbox's floor gets ``resync``.
        """
        engine = self._engine
        lsn = engine.committed_lsn
        await engine.projected(lsn)
        index = engine.index
        if request.pts and (
            request.epoch != engine.epoch
            or request.pts > lsn
            or request.pts < await index.inbox_floor(caller.app, caller.party)
        ):
            return SyncResult(epoch=engine.epoch, pts=0, resync=True)
        changes = await index.inbox(caller.app, caller.party, request.pts, request.limit + 1)
        more = len(changes) > request.limit
        changes = changes[: request.limit]
        result = SyncResult(epoch=engine.epoch, pts=changes[-1].pts if changes else request.pts, more=more)
        if more and len({change.pts for change in changes}) > 1:
            # Never cut through the changes of one pts: the rest of it would be skipped.
            last = changes[-1].pts
            following = await index.inbox(caller.app, caller.party, last - 1, request.limit + 1)
            if any(change not in changes for change in following if change.pts == last):
                changes = [change for change in changes if change.pts < last]
                result.pts = changes[-1].pts
        elif more:
            last = changes[-1].pts
            changes = [c for c in await index.inbox(caller.app, caller.party, last - 1, 1_000_000) if c.pts == last]
        for change in changes:
            await self._describe(caller, change.subject, result)
        if not more:
            result.pts = max(result.pts, lsn)
            await self._add_large(caller, result)
            await self._add_virtual(caller, request.pts, result)
        return result

    async def _describe(self, caller: Caller, subject: str, result: SyncResult) -> None:
        if subject == "!blocked":
            result.blocked = sorted((await self._engine.party(caller.app, caller.party)).blocked)
        elif subject == "!profile":
            result.profile_changed = True
        elif subject == "!threads":
            result.threads_changed = True
        else:
            view = await self._view(caller, subject)
            if view is not None:
                result.conversations.append(view)
                if view.left_seq:
                    result.removed.append(subject)

    async def _add_large(self, caller: Caller, result: SyncResult) -> None:
        known = {view.conversation for view in result.conversations}
        for conversation in await self._engine.index.large_conversations(caller.app, caller.party):
            if conversation not in known:
                view = await self._view(caller, conversation)
                if view is not None:
                    result.conversations.append(view)

    async def _add_virtual(self, caller: Caller, pts: int, result: SyncResult) -> None:
        """Conversations whose members are computed are in no inbox; whoever computes them says what changed."""
        changed = await self._engine.virtual.changed(caller.app, caller.party, pts)
        known = {view.conversation for view in result.conversations}
        for conversation in changed.conversations:
            view = await self._view(caller, conversation) if conversation not in known else None
            if view is not None:
                result.conversations.append(view)
        result.removed += [conversation for conversation in changed.removed if conversation not in result.removed]

    async def _view(self, caller: Caller, conversation: str) -> ConversationView | None:
        try:
            resident, state = await self._engine.existing(caller.app, conversation)
        except TrunklineError:
            return None
        member = await seen_by(self._engine, resident, state, caller.party)
        if member is None:
            return None
        view = await self._inbox.view(resident, state, caller.party)
        view.hidden_up_to, view.hidden_seqs = member.hidden_up_to, sorted(member.hidden)
        return view
