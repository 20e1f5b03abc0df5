"""Makes valid journal records from arbitrary small numbers, and keeps a naive model of what they mean.

``World`` holds the domain's own aggregates and simple dictionaries; an index fed with ``World.records``
must answer as these do. Every step is a tuple of integers, so that Hypothesis can shrink it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from typing import Any, NamedTuple

import msgspec
from hypothesis import strategies as st

from trunkline.domain.conversation.state import Conversation
from trunkline.domain.log.dedupe import send_digest
from trunkline.domain.log.records import (
    AppChanged,
    BlockChanged,
    CursorMoved,
    DeviceChanged,
    EntriesHidden,
    Entry,
    EntryAppended,
    KeyChanged,
    OutboxFloorRaised,
    PartyErased,
    ProfileChanged,
    Record,
    RequestRemembered,
    SettingsChanged,
    TokensRevoked,
)
from trunkline.domain.parties.state import Party
from trunkline.protocol.link.overlays import CHANGES_A_MESSAGE, fold
from trunkline.services.log.index_port import SentBefore
from trunkline.wire import entries as types
from trunkline.wire.calls.session import MemberSettings
from trunkline.wire.entries import Overlay

EPOCH = 1_700_000_000_000
APPS = ("a_one", "a_two")
PARTIES = tuple(f"user/u{n}" for n in range(8))
ALL_PARTIES = (*PARTIES, "bot/system")
CONVERSATIONS = ("g.first", "g.second", "d.AAAAAAAAAAAAAAAAAAAAAA")
MESSAGE_TYPES = (types.TEXT, types.IMAGE, "shop.card")

encode = msgspec.msgpack.encode
decode = msgspec.msgpack.decode

Step = tuple[int, int, int, int]
steps = st.lists(
    st.tuples(st.integers(0, 59), st.integers(0, 255), st.integers(0, 255), st.integers(0, 255)),
    min_size=1,
    max_size=120,
)


class Sent(NamedTuple):
    """What the model knows of a send."""

    before: SentBefore


class World:
    """Records made so far, grouped by lsn, and what they amount to."""

    def __init__(self) -> None:
        self.groups: list[list[Record]] = [[]]
        self.conversations: dict[tuple[str, str], Conversation] = {}
        self.logs: defaultdict[tuple[str, str], list[Entry]] = defaultdict(list)
        self.overlays: defaultdict[tuple[str, str], dict[int, Overlay]] = defaultdict(dict)
        self.parties: dict[tuple[str, str], Party] = {}
        self.inboxes: defaultdict[tuple[str, str], dict[str, int]] = defaultdict(dict)
        self.sent: defaultdict[tuple[str, str, str], dict[int, SentBefore]] = defaultdict(dict)
        self.floors: dict[tuple[str, str, str], int] = {}
        self.expiry: dict[tuple[str, str, int], int] = {}
        self.remembered: dict[tuple[str, str], RequestRemembered] = {}
        self.apps: dict[str, AppChanged] = {}
        self.keys: dict[tuple[str, str], KeyChanged] = {}
        self._owns: defaultdict[tuple[str, str, str], int] = defaultdict(int)
        self._next_n: defaultdict[tuple[str, str, str], int] = defaultdict(int)
        self._now_ms = 1_000

    @property
    def lsn(self) -> int:
        """The lsn of the group being filled."""
        return len(self.groups)

    def run(self, steps: Iterable[Step]) -> None:
        """Take steps; one in four ends a group."""
        for op, a, b, c in steps:
            self._now_ms += a % 4
            if op % 4 == 0:
                self.end_group()
            self._step(op, a, b, c)

    def end_group(self) -> None:
        """Start the next group unless this one is empty."""
        if self.groups[-1]:
            self.groups.append([])

    def finished(self) -> list[tuple[int, list[Record]]]:
        """All groups with their lsn."""
        return [(lsn, group) for lsn, group in enumerate(self.groups, 1) if group]

    # --- steps ------------------------------------------------------------------------------

    def _step(self, op: int, a: int, b: int, c: int) -> None:
        app = APPS[a & 1]
        name = CONVERSATIONS[(a >> 1) % len(CONVERSATIONS)]
        state = self.conversations.get((app, name))
        party = PARTIES[b % len(PARTIES)]
        if op < 8 or op >= 48:
            self._party_step(op, app, party, c) if op < 4 or op >= 57 else self._message(app, name, state, b, c)
        elif state is None or state.head == 0:
            self._create(app, name, b, c)
        else:
            self._change(op, state, party, b, c)

    def _create(self, app: str, name: str, b: int, c: int) -> None:
        direct = name.startswith("d.")
        members = list(PARTIES[:2]) if direct else [p for i, p in enumerate(PARTIES) if (b >> i) & 1] or [PARTIES[0]]
        content: dict[str, Any] = {"kind": "direct" if direct else "group", "members": members}
        if not direct:
            content |= {
                "owner": members[0],
                "name": f"name {c}",
                "history_before_join": bool(c & 1),
                "custom": {"k": "v"},
            }
        self.conversations[app, name] = Conversation(app, name, EPOCH)
        self.append(app, name, members[0], types.CREATED, content)

    def _message(self, app: str, name: str, state: Conversation | None, b: int, c: int) -> None:
        if state is None:
            self._create(app, name, b, c)
            return
        sender = ALL_PARTIES[b % len(ALL_PARTIES)]
        for _ in range(1 if c < 128 else c % 7 + 1):
            self.append(
                app,
                name,
                sender,
                MESSAGE_TYPES[c % 3],
                {"text": f"{c}"} if c % 11 else None,
                counts=c % 13 != 0,
                mentions=self._mentions(c),
                expires_at_ms=self._now_ms + c if c % 9 == 0 else 0,
                outbox=("", "outbox-aa", "outbox-bb")[b % 3],
                reply_to=c % 3 and min(1, state.head),
            )

    def _mentions(self, c: int) -> tuple[str, ...]:
        if c % 5 == 0:
            return ("*",) if c % 2 else (PARTIES[c % 8], PARTIES[(c + 3) % 8])
        return ("user/stranger", "*", PARTIES[c % 8]) if c % 17 == 0 else ()

    def _change(self, op: int, state: Conversation, party: str, b: int, c: int) -> None:
        app, name = state.app, state.id
        target = c % state.head + 1
        kind = (op - 8) % 14
        actor = PARTIES[c % len(PARTIES)]
        if kind <= 3:
            self._change_message(
                (types.EDITED, types.RECALLED, types.REACTED, types.PINNED)[kind], state, actor, target, b
            )
        elif kind == 4:
            self._change_message(types.EXPIRED, state, actor, target, b)
        elif kind == 5:
            parties = [p for i, p in enumerate(PARTIES) if (b >> i) & 1]
            self.append(app, name, actor, types.MEMBERS_ADDED, {"parties": parties})
        elif kind == 6:
            parties = [p for i, p in enumerate(PARTIES) if (b >> i) & 1 and i % 2 == c % 2] + ["user/stranger"]
            self.append(app, name, actor, types.MEMBERS_REMOVED, {"parties": parties})
        elif kind == 7 and party in state.members:
            content = {"party": party} | ({"role": "admin"} if c % 2 else {"muted_until_ms": 5_000 + c})
            self.append(app, name, actor, types.MEMBER_CHANGED, content)
        elif kind == 8 and state.member(party) is not None and c % 3 == 0:
            self.append(app, name, actor, types.TRANSFERRED, {"party": party})
        elif kind == 9:
            if c % 8 == 0:
                self.append(app, name, actor, types.DISMISSED, None)
            else:
                self.append(app, name, actor, types.UPDATED, {"name": f"new {c}", "muted_all": bool(c % 2)})
        elif kind in (10, 11):
            self._move_cursor(state, party, b, c)
        elif kind == 12:
            seqs = tuple(sorted({c % state.head + 1, b % state.head + 1}))
            log = self.logs[app, name]
            counted = tuple(s for s in seqs if self._counts(log, s) and log[s - 1].sender != party)
            up_to = b % (state.head + 1) if b % 4 == 0 else 0
            self.add(EntriesHidden(app, name, party, seqs, up_to, counted))
        else:
            value = MemberSettings(pinned=b % 2 == 0, order=c - 100, draft="d" * (c % 3), hidden=c % 7 == 0)
            self.add(SettingsChanged(app, party, name, encode(value)))

    def _change_message(self, type: str, state: Conversation, actor: str, target: int, b: int) -> None:
        log = self.logs[state.app, state.id]
        if type in (types.RECALLED, types.EXPIRED):
            old = log[target - 1]
            if old.type not in MESSAGE_TYPES:
                return
            counted = self._counts(log, target)
            content: dict[str, Any] = {"sender": old.sender, "counted": counted, "mentions": list(old.mentions)}
        elif type == types.EDITED:
            content = {"content": {"text": f"edited {b}"}}
        elif type == types.REACTED:
            content = {"key": "+1" if b % 2 else "heart", "on": b % 3 > 0}
        else:
            content = {"on": b % 3 > 0}
        self.append(state.app, state.id, actor, type, content, target=target)

    @staticmethod
    def _counts(log: list[Entry], seq: int) -> bool:
        return log[seq - 1].count > (log[seq - 2].count if seq > 1 else 0)

    def _move_cursor(self, state: Conversation, party: str, b: int, c: int) -> None:
        log = self.logs[state.app, state.id]
        read = b % (state.head + 1)
        delivered = max(read, c % (state.head + 1))
        count = log[read - 1].count if read else 0
        own = max((e.own for e in log[:read] if e.sender == party), default=0)
        self.add(CursorMoved(state.app, state.id, party, delivered, read, count, own))

    def _party_step(self, op: int, app: str, party: str, c: int) -> None:
        at_ms = self._now_ms
        kind = c % 10
        if kind == 0:
            self.add(ProfileChanged(app, party, f"Ünï {c}", f"av{c}", {"team": f"t{c % 3}"}, at_ms))
        elif kind == 1:
            self.add(BlockChanged(app, party, PARTIES[c % 8], c % 3 > 0))
        elif kind == 2:
            self.add(DeviceChanged(app, party, f"dev{c % 2}", "web" if c % 3 else "", at_ms, c % 2 * c))
        elif kind == 3:
            self.add(TokensRevoked(app, party, c))
        elif kind == 4:
            self.add(AppChanged(app, f"name {c}", at_ms, c % 20 == 4))
        elif kind == 5:
            self.add(KeyChanged(app, f"k{c % 3}", ("im", "video"), at_ms, c, c % 2 == 1))
        elif kind == 6:
            self.add(RequestRemembered(app, f"r{c % 3}", bytes([c]), 200, b"body", at_ms))
        elif kind == 7 and op % 2:
            self.add(PartyErased(app, party, at_ms))
        elif kind == 8:
            outbox = (app, party, "outbox-bb")
            highest = self._next_n[outbox]
            if highest:
                self.add(OutboxFloorRaised(*outbox, c % highest + 1))

    # --- the model --------------------------------------------------------------------------

    def append(
        self,
        app: str,
        name: str,
        sender: str,
        type: str,
        content: Any,
        *,
        counts: bool = False,
        target: int = 0,
        mentions: tuple[str, ...] = (),
        expires_at_ms: int = 0,
        outbox: str = "",
        n: int = 0,
        reply_to: int = 0,
    ) -> Entry:
        """Append an entry to a conversation and to the model."""
        state = self.conversations[app, name]
        self._now_ms += 1 if counts and self._now_ms % 3 else 0
        owner = (app, name, sender)
        member = state.members.get(sender)
        own = member.own if member is not None else self._owns[owner]
        self._owns[owner] = own = own + int(counts)
        if outbox and not n:
            self._next_n[app, sender, outbox] += 1 + self._now_ms % 2
            n = self._next_n[app, sender, outbox]
        packed = encode(content) if content is not None else b""
        count = state.count + int(counts)
        entry = Entry(
            state.head + 1,
            self._now_ms,
            sender,
            type,
            packed,
            count,
            own,
            outbox,
            n,
            target,
            reply_to,
            mentions,
            expires_at_ms,
        )
        self.add(EntryAppended(app, name, entry))
        return entry

    def add(self, record: Record) -> None:
        """Add a record to the present group and apply it to the model."""
        self.groups[-1].append(record)
        if isinstance(record, EntryAppended):
            self._apply_entry(record.app, record.conversation, record.entry)
        elif isinstance(record, CursorMoved | SettingsChanged | EntriesHidden):
            self._apply_member(record)
        elif isinstance(record, PartyErased):
            self._erase(record)
        elif isinstance(record, OutboxFloorRaised):
            key = (record.app, record.party, record.outbox)
            self.floors[key] = max(self.floors.get(key, 0), record.n)
        elif isinstance(record, RequestRemembered):
            self.remembered[record.app, record.key] = record
        elif isinstance(record, AppChanged):
            self.apps[record.app] = record
        elif isinstance(record, KeyChanged):
            self.keys[record.app, record.key] = record
        elif isinstance(record, ProfileChanged | BlockChanged | DeviceChanged | TokensRevoked):
            self._party(record.app, record.party).apply(record)
            if isinstance(record, ProfileChanged):
                self.inboxes[record.app, record.party]["!profile"] = self.lsn
            elif isinstance(record, BlockChanged):
                self.inboxes[record.app, record.party]["!blocked"] = self.lsn

    def _party(self, app: str, party: str) -> Party:
        return self.parties.setdefault((app, party), Party(app, party))

    def _apply_entry(self, app: str, name: str, entry: Entry) -> None:
        state = self.conversations[app, name]
        before = {party for party, member in state.members.items() if member.present}
        was_large = state.large
        state.apply(entry)
        # The journal keeps the content that an erasure takes from the index.
        self.logs[app, name].append(msgspec.structs.replace(entry))
        after = {party for party, member in state.members.items() if member.present}
        if state.large:
            touched = before ^ after if was_large else before | after
        else:
            touched = before | after
        for party in touched:
            self.inboxes[app, party][name] = self.lsn
        if entry.outbox:
            sent = SentBefore(name, entry.seq, entry.at_ms, send_digest(name, entry))
            self.sent[app, entry.sender, entry.outbox][entry.n] = sent
        if entry.expires_at_ms:
            self.expiry[app, name, entry.seq] = entry.expires_at_ms
        if entry.type in CHANGES_A_MESSAGE:
            overlay = self.overlays[app, name].setdefault(entry.target, Overlay())
            content = decode(entry.content)
            fold(overlay, seq=entry.seq, at_ms=entry.at_ms, sender=entry.sender, type=entry.type, content=content)
            if entry.type in (types.RECALLED, types.EXPIRED):
                self.expiry.pop((app, name, entry.target), None)

    def _apply_member(self, record: CursorMoved | SettingsChanged | EntriesHidden) -> None:
        state = self.conversations[record.app, record.conversation]
        if record.party not in state.members:
            return
        touched = {record.party}
        if isinstance(record, CursorMoved):
            state.move_cursor(record)
            if state.kind == "direct" and not state.large:
                touched |= {party for party, member in state.members.items() if member.present}
        elif isinstance(record, SettingsChanged):
            state.configure(record)
        else:
            state.hide(record)
        for party in touched:
            self.inboxes[record.app, party][record.conversation] = self.lsn

    def _erase(self, record: PartyErased) -> None:
        app, party = record.app, record.party
        self._party(app, party).apply(record)
        self.inboxes[app, party] |= {"!blocked": self.lsn, "!profile": self.lsn}
        for (owner, name), state in self.conversations.items():
            if owner != app or party not in state.members:
                continue
            state.erase(party)
            for entry in self.logs[app, name]:
                if entry.sender != party:
                    continue
                if entry.type in MESSAGE_TYPES and entry.content:
                    entry.content = b""
                    self._erase_overlay(app, name, entry.seq)
                elif entry.type == types.EDITED and entry.content != encode({"content": None}):
                    entry.content = encode({"content": None})
                    self._erase_overlay(app, name, entry.target)

    def _erase_overlay(self, app: str, name: str, seq: int) -> None:
        overlay = self.overlays[app, name].get(seq)
        if overlay is not None:
            overlay.content = None
            overlay.erased = True
