"""Export: everything kept about a party, in one document, for whoever has to answer its request.

Messages appear as they are stored, edits and reactions as the changes they were. What others said, also about
the party, is theirs and not part of it.
"""

from __future__ import annotations

from typing import Any

from msgspec import Struct, field

from trunkline.domain.conversation.state import Conversation, Member
from trunkline.domain.identity import Caller, check_party
from trunkline.services.log.engine import Engine
from trunkline.services.messages.views import view_of as view_of_entry
from trunkline.services.parties.profiles import view_of as view_of_profile
from trunkline.wire.calls.parties import PartyExport, PartyRef
from trunkline.wire.calls.session import MemberSettings


class ExportedMembership(Struct, kw_only=True):
    """A conversation the party is or was in: its role, its stays as ``[first, last]`` seqs, cursors and settings.

    The last stay of a present member has no end: ``last`` is 0.
    """

    conversation: str
    kind: str
    name: str
    role: str
    member: bool
    stays: list[tuple[int, int]]
    delivered: int
    read: int
    muted_until_ms: int
    settings: MemberSettings
    hidden_seqs: list[int] = field(default_factory=list)
    hidden_up_to: int = 0


class Exporter:
    """Collects what is kept about a party.

    Args:
        engine: the log.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    async def export(self, caller: Caller, request: PartyRef) -> PartyExport:
        """Everything about a party. A party nobody heard of exports as empty.

        Raises:
            TrunklineError: ``INVALID_PARTY``.
        """
        engine = self._engine
        app, party = caller.app, check_party(request.party)
        await engine.projected(engine.committed_lsn)
        memberships = []
        messages: list[Any] = []
        for conversation in await engine.index.memberships(app, party):
            state = (await engine.conversation(app, conversation)).state
            member = state.members.get(party) if state is not None else None
            if state is None or member is None:
                continue
            memberships.append(_membership(state, member))
            own = await engine.index.own_entries(app, party, conversation)
            messages.extend(view_of_entry(state, entry) for entry in own)
        kept = await engine.party(app, party)
        return PartyExport(
            party=party,
            exported_at_ms=engine.clock.now_ms(),
            profile=view_of_profile(kept.profile) if kept.profile is not None else None,
            blocked=sorted(kept.blocked),
            devices=[kept.devices[device] for device in sorted(kept.devices)],
            conversations=memberships,
            messages=messages,
        )


def _membership(state: Conversation, member: Member) -> ExportedMembership:
    return ExportedMembership(
        conversation=state.id,
        kind=state.kind,
        name=str(state.settings.get("name", "")),
        role=member.role,
        member=member.present,
        stays=[*member.spans, (member.joined_seq, member.left_seq)],
        delivered=member.delivered,
        read=member.read,
        muted_until_ms=member.muted_until_ms,
        settings=member.settings or MemberSettings(),
        hidden_seqs=sorted(member.hidden),
        hidden_up_to=member.hidden_up_to,
    )
