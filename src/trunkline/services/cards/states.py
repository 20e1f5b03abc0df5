"""The present states of cards in memory: folded from the log on first use, bounded, and never behind what was
decided.

A state includes entries that are not durable yet, because the next claim of a red packet must see the one before it.
Such a state is *pinned*: it may not be evicted, or a later load, which sees durable entries only, would forget a
claim. A commit that fails makes the conversation load anew; a state made under the conversation's former self is
stale and is loaded anew too. So rolling back needs no bookkeeping.

Not here: decisions (``domain.cards``), appending (``acting``).
"""

from __future__ import annotations

from typing import Any

from trunkline.base.errors import Code, TrunklineError
from trunkline.domain.cards.card import Card
from trunkline.domain.cards.registry import CARD_KINDS
from trunkline.domain.conversation import rules
from trunkline.domain.conversation.state import Conversation
from trunkline.domain.log.records import Entry, PartyErased, Record
from trunkline.services.log.engine import Engine
from trunkline.services.log.loading import Loading
from trunkline.services.log.reading import read_entry, read_overlays
from trunkline.services.log.residents import ResidentConversation, ResidentParty
from trunkline.wire import entries as types
from trunkline.wire.content import decode_content

MAX_CARDS = 5_000
MAX_CELLS = 500_000
"""Cards and cells kept in memory, pinned ones besides."""

Key = tuple[str, str, int]


class KeptCard:
    """A card in memory, and the conversation it was loaded under."""

    __slots__ = ("card", "conversation", "entry", "outdated", "resident")

    def __init__(self, card: Card, entry: Entry, resident: ResidentConversation, conversation: Conversation) -> None:
        self.card = card
        self.entry = entry
        self.resident = resident
        self.conversation = conversation
        self.outdated = False

    @property
    def current(self) -> bool:
        """Whether the conversation is still the one it was loaded under."""
        return self.resident.state is self.conversation

    @property
    def pinned(self) -> bool:
        """Whether it holds something that is not durable."""
        return self.current and self.card.changed_seq > self.resident.committed


class CardStates:
    """A bounded cache of cards.

    Args:
        engine: the log.
        max_cards: how many to keep.
        max_cells: how large they may be together.
    """

    def __init__(self, engine: Engine, max_cards: int = MAX_CARDS, max_cells: int = MAX_CELLS) -> None:
        self._engine = engine
        self._max_cards = max_cards
        self._max_cells = max_cells
        self._kept: dict[Key, KeptCard] = {}
        self._cells = 0
        self._loading: Loading[Key] = Loading()
        engine.on_record(self._on_record, PartyErased)

    def __len__(self) -> int:
        """How many are in memory."""
        return len(self._kept)

    def get(self, app: str, conversation: str, seq: int) -> KeptCard | None:
        """A card whose state is in memory and current, or None: then ``load``."""
        key = (app, conversation, seq)
        kept = self._kept.get(key)
        if kept is None:
            return None
        if not kept.current or self._engine.residents.conversations.get((app, conversation)) is not kept.resident:
            self._drop(key)
            return None
        if kept.outdated and not kept.pinned:
            self._drop(key)
            return None
        return kept

    async def load(self, app: str, conversation: str, seq: int) -> None:
        """Fold a card from the log into memory, unless there is none at ``seq``.

        Nobody appends to a card whose state is not in memory, so what is durable when the log is read is all there
        is: entries of this card that are not durable imply a pinned state, and then this is not called. And only one
        loads a card at a time: a second one might put back what it read before the first was acted on.

        Raises:
            TrunklineError: ``NOT_FOUND``.
        """
        key = (app, conversation, seq)
        await self._loading.once(key, lambda: self._load(key))

    async def _load(self, key: Key) -> None:
        engine = self._engine
        app, conversation, seq = key
        resident, state = await engine.existing(app, conversation)
        entry = await read_entry(engine, resident, seq)
        if entry is None and seq <= state.head:
            await engine.commits.settled()  # made, and on its way to disk
            entry = await read_entry(engine, resident, seq)
        if entry is None or entry.type != types.CARD_CREATED:
            raise TrunklineError(Code.NOT_FOUND, f"no card at {seq}", field="seq")
        overlay = (await read_overlays(engine, resident, seq, seq)).get(seq)
        if self.get(*key) is not None or resident.state is not state:
            return  # it is there, or it must be loaded anew
        card = card_of(entry, state)
        if overlay is not None and overlay.card is not None:
            card = card_of(entry, state, overlay.card, overlay.as_of)
        self._make_room()
        self._kept[key] = KeptCard(card, entry, resident, state)
        self._cells += card.cell_count

    def grown(self, by: int) -> None:
        """A kept card has more cells."""
        self._cells += by

    def forget(self, app: str) -> None:
        """Drop an app's cards: at once, or when they are durable."""
        for key in [key for key in self._kept if key[0] == app]:
            self._kept[key].outdated = True
            self.get(*key)

    def _make_room(self) -> None:
        """Evict the oldest that are not pinned while there are too many, or they are too large."""
        if len(self._kept) < self._max_cards and self._cells < self._max_cells:
            return
        for key in list(self._kept):
            if len(self._kept) < self._max_cards and self._cells < self._max_cells:
                break
            if not self._kept[key].pinned:
                self._drop(key)

    def _drop(self, key: Key) -> None:
        kept = self._kept.pop(key)
        self._cells -= kept.card.cell_count

    def _on_record(self, record: Record, owner: ResidentConversation | ResidentParty | None) -> None:
        """What an erased party wrote leaves memory once the index has dropped it."""
        if isinstance(record, PartyErased):
            self._engine.when_projected(self._engine.committed_lsn, lambda: self.forget(record.app))


def card_of(entry: Entry, conversation: Conversation, state: Any = None, changed_seq: int = 0) -> Card:
    """A card from its entry and its merged state."""
    content = decode_content(entry.content)
    kind = CARD_KINDS.get(content.get("kind", ""))
    data = content.get("data")
    return Card(
        content.get("kind", ""),
        kind.read(data) if kind is not None and data is not None else None,
        entry.sender,
        entry.seq,
        entry.at_ms,
        content.get("closes_at_ms") or entry.expires_at_ms,
        direct=conversation.kind == rules.DIRECT,
        state=state,
        changed_seq=changed_seq,
    )
