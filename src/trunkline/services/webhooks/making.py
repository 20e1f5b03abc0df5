"""Making the events of a log entry, as they are at this moment.

An entry is one event; a message that did not reach everyone is a second one, for apps that push. Content that was
recalled, expired or erased meanwhile is not shown. Not here: names and ids of events (``domain.webhooks.events``).
"""

from __future__ import annotations

from trunkline.domain.conversation.state import Conversation
from trunkline.domain.log.records import Entry
from trunkline.domain.webhooks.events import UNDELIVERED, make_event
from trunkline.domain.webhooks.filters import EventFilter
from trunkline.services.log.engine import Engine
from trunkline.services.log.reading import read_overlays
from trunkline.services.log.residents import ResidentConversation
from trunkline.services.sessions.hub import Hub
from trunkline.wire.calls.session import MemberSettings
from trunkline.wire.calls.webhooks import Event
from trunkline.wire.entries import Overlay

MAX_RECEIVERS = 1000
"""Receivers named in one event; beyond that it says that there are more."""
ROOM = "room"


class EventMaker:
    """Makes events.

    Args:
        engine: the log.
        hub: who is online.
    """

    def __init__(self, engine: Engine, hub: Hub) -> None:
        self._engine = engine
        self._hub = hub

    async def events(self, app: str, conversation: str, entry: Entry, wanted: EventFilter) -> list[Event]:
        """The events of a committed entry that a filter wants, in order.

        Raises:
            TrunklineError: the conversation cannot be read now.
        """
        if not wanted.may_want(conversation, entry.type):
            return []
        resident = await self._engine.conversation(app, conversation)
        state = resident.state
        if state is None:
            resident, state = await self._engine.existing(app, conversation)
        if not wanted.wants_kind(state.kind):
            return []
        overlay = await self._overlay(resident, state, entry)
        made = []
        epoch = self._engine.epoch
        if wanted.wants_entry(entry.type):
            made.append(make_event(app, epoch, conversation, state.kind, entry, overlay))
        if wanted.wants_undelivered(entry.type) and state.kind != ROOM:
            missed, muted, more = self._missed(app, state, entry)
            if missed:
                made.append(
                    make_event(
                        app,
                        epoch,
                        conversation,
                        state.kind,
                        entry,
                        overlay,
                        name=UNDELIVERED,
                        receivers=tuple(missed),
                        muted=tuple(muted),
                        truncated=more,
                    )
                )
        return made

    async def _overlay(self, resident: ResidentConversation, state: Conversation, entry: Entry) -> Overlay | None:
        """What became of a message; looked up only where something may have."""
        if not entry.thread and entry.seq not in state.removed:
            return None
        return (await read_overlays(self._engine, resident, entry.seq, entry.seq)).get(entry.seq)

    def _missed(self, app: str, state: Conversation, entry: Entry) -> tuple[list[str], list[str], bool]:
        """Who has neither a session nor the message; which of them silenced the conversation; whether there are more.

        Bots are told by webhooks and are nobody to be pushed to.
        """
        online = self._hub.online
        now_ms = self._engine.clock.now_ms()
        missed: list[str] = []
        muted: list[str] = []
        members = self._engine.virtual.of(state).audience(state) if state.virtual else state.members.items()
        for party, member in members:
            if not member.present or party == entry.sender or member.delivered >= entry.seq:
                continue
            if (app, party) in online or party.startswith("bot/") or not member.may_see(entry.seq):
                continue
            if len(missed) == MAX_RECEIVERS:
                return missed, muted, True
            missed.append(party)
            settings = member.settings
            if settings is None:
                continue
            if settings.mute or settings.dnd_until_ms > now_ms or _unwanted(settings, party, entry):
                muted.append(party)
        return missed, muted, False


def _unwanted(settings: MemberSettings, party: str, entry: Entry) -> bool:
    """Whether a party does not want to be alerted of this message."""
    if settings.notify == "mentions":
        return party not in entry.mentions and "*" not in entry.mentions
    return settings.notify == "none"
