"""Unread and mention counts against a model that counts, entry by entry, what a person would call unread.

The model keeps the whole log and looks at every entry each time; the domain subtracts running counts. They must agree
after every step, for every member, whatever happened in whatever order.
"""

from __future__ import annotations

from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from trunkline.domain.conversation import Conversation, unread_of
from trunkline.domain.log.records import CursorMoved, EntriesHidden, Entry
from trunkline.wire import entries as types
from trunkline.wire.content import decode_content, encode_content

PARTIES = [f"user/u{i}" for i in range(4)]
party = st.sampled_from(PARTIES)


class Counts(RuleBasedStateMachine):
    """One conversation, driven as the services drive it, beside the whole log."""

    def __init__(self) -> None:
        super().__init__()
        self.state = Conversation("a", "g", 1)
        self.log: list[Entry] = []
        self.read: dict[str, int] = {}
        self.hidden: dict[str, set[int]] = {p: set() for p in PARTIES}
        self.stay: dict[str, tuple[int, int]] = {}

    def append(self, type: str, sender: str, content: dict[str, Any], counts: bool = False, **more: Any) -> Entry:
        member = self.state.members.get(sender)
        own = member.own + 1 if counts and member is not None else 0
        seq = self.state.head + 1
        count = self.state.count + counts
        entry = Entry(seq, seq * 10, sender, type, encode_content(content), count, own, **more)
        self.state.apply(entry)
        self.log.append(entry)
        return entry

    @initialize(history=st.booleans())
    def create(self, history: bool) -> None:
        self.append(
            types.CREATED,
            PARTIES[0],
            {"kind": "group", "members": PARTIES[:2], "owner": PARTIES[0], "history_before_join": history},
        )
        for p in PARTIES[:2]:
            self.stay[p] = (1, 0)
            self.read[p] = 0

    def present(self, p: str) -> bool:
        return p in self.stay and self.stay[p][1] == 0

    @rule(p=party, mention=st.sampled_from([(), ("*",), (PARTIES[1],), (PARTIES[0], PARTIES[2])]))
    def send(self, p: str, mention: tuple[str, ...]) -> None:
        if self.present(p):
            self.append(types.TEXT, p, {"text": "x"}, counts=True, mentions=mention)

    @rule()
    def send_as_system(self) -> None:
        self.append(types.TEXT, "bot/system", {"text": "x"}, counts=True)

    @rule(p=party, back=st.integers(0, 6))
    def read_up_to(self, p: str, back: int) -> None:
        if not self.present(p):
            return
        seq = max(1, self.state.head - back)
        member = self.state.members[p]
        if seq <= member.read:
            return
        # What the service looks up: the running counts at ``seq``.
        count = self.log[seq - 1].count
        later_own = next((e.own - 1 for e in self.log[seq:] if e.sender == p and e.type == types.TEXT), member.own)
        self.state.move_cursor(CursorMoved("a", "g", p, seq, seq, count, later_own))
        self.read[p] = max(self.read[p], seq)

    def targets(self) -> list[Entry]:
        return [e for e in self.log if e.type == types.TEXT and e.seq not in self.state.removed]

    @rule(pick=st.integers(0, 100), type=st.sampled_from([types.RECALLED, types.EXPIRED]))
    def take_away(self, pick: int, type: str) -> None:
        found = self.targets()
        if found:
            e = found[pick % len(found)]
            content = {"sender": e.sender, "mentions": list(e.mentions), "counted": True}
            self.append(type, e.sender, content, target=e.seq)

    @rule(p=party, pick=st.integers(0, 100))
    def hide(self, p: str, pick: int) -> None:
        if self.present(p):
            seq = 1 + pick % self.state.head
            e = self.log[seq - 1]
            counted = (seq,) if e.type == types.TEXT and e.sender != p else ()
            self.state.hide(EntriesHidden("a", "g", p, (seq,), 0, counted))
            self.hidden[p].add(seq)

    @rule(p=st.sampled_from(PARTIES[1:]))
    def join(self, p: str) -> None:
        if not self.present(p):
            e = self.append(types.MEMBERS_ADDED, PARTIES[0], {"parties": [p]})
            self.stay[p] = (e.seq, 0)
            self.read[p] = e.seq - 1

    @rule(p=st.sampled_from(PARTIES[1:]))
    def leave(self, p: str) -> None:
        if self.present(p):
            e = self.append(types.MEMBERS_REMOVED, p, {"parties": [p], "reason": "left"})
            self.stay[p] = (self.stay[p][0], e.seq)

    @invariant()
    def counts_agree(self) -> None:
        removed = {e.target for e in self.log if e.type in (types.RECALLED, types.EXPIRED)}
        for p in PARTIES:
            if not self.present(p):
                assert unread_of(self.state, p) == (0, 0)
                continue
            unread = [
                e
                for e in self.log
                if e.type == types.TEXT
                and e.seq > self.read[p]
                and e.sender != p
                and e.seq not in removed
                and e.seq not in self.hidden[p]
            ]
            mentions = [e for e in unread if p in e.mentions or "*" in e.mentions]
            assert unread_of(self.state, p) == (len(unread), len(mentions)), p

    @invariant()
    def the_log_is_dense(self) -> None:
        assert [e.seq for e in self.log] == list(range(1, self.state.head + 1))
        assert all(decode_content(e.content) is not None for e in self.log)


TestCounts = Counts.TestCase
TestCounts.settings = settings(max_examples=150, stateful_step_count=40)
