"""Conversations as the projector holds them: the domain's state over rows that load when touched.

The projection of a change *is* the domain's: entries are applied to a ``Conversation`` whose
members, removed entries and mentions are dicts that fetch missing rows and note what was touched.
So the tables cannot disagree with the rules, and a change to a group of 100,000 reads few rows.

Not here: what becomes of the touched rows (``fold``).
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Any

from trunkline.domain.conversation.state import Conversation, Member
from trunkline.store.sqlite import rows
from trunkline.store.sqlite.connection import Database

MAX_TRACKED_MEMBERS = 60_000
"""Members in memory, over all tracked conversations; beyond it the longest unused conversations go."""
_PREFETCH_MEMBERS = 4_000
_LOOK_UP = {
    "removed": "SELECT 1 FROM removed WHERE cid = ? AND seq = ?",
    "mention_all": "SELECT 1 FROM mention_all WHERE cid = ? AND seq = ?",
}


class TrackedMembers(dict[str, Member]):
    """Members by party. ``complete`` ones are all here, others are fetched one by one.

    Attributes:
        touched: parties looked at since the last ``clear_touched``; only these can have changed.
    """

    __slots__ = ("_cid", "_db", "_outlines", "complete", "touched")

    def __init__(self, db: Database, cid: int, complete: bool) -> None:
        super().__init__()
        self._db = db
        self._cid = cid
        self.complete = complete
        self.touched: set[str] = set()
        self._outlines: dict[str, tuple[str, int]] | None = None

    def get(self, party: str, default: Any = None) -> Any:
        """The member, fetched if need be."""
        self.touched.add(party)
        found = super().get(party)
        if found is None and not self.complete:
            row = rows.fetch_member(self._db, self._cid, party)
            if row is not None:
                found = rows.member_of(row)
                super().__setitem__(party, found)
        return found if found is not None else default

    def __getitem__(self, party: str) -> Member:
        found: Member | None = self.get(party)
        if found is None:
            raise KeyError(party)
        return found

    def __setitem__(self, party: str, member: Member) -> None:
        self.touched.add(party)
        super().__setitem__(party, member)

    def __contains__(self, party: object) -> bool:
        return isinstance(party, str) and self.get(party) is not None

    def values(self) -> Any:
        """All members; notes roles and presence, to tell later which ones changed."""
        self._complete()
        if self._outlines is None:
            self._outlines = {party: (m.role, m.left_seq) for party, m in dict.items(self)}
        return super().values()

    def items(self) -> Any:
        """All parties and members."""
        self.values()
        return super().items()

    def keys(self) -> Any:
        """All parties."""
        self._complete()
        return super().keys()

    def __iter__(self) -> Iterator[str]:
        return iter(self.keys())

    def __len__(self) -> int:
        self._complete()
        return super().__len__()

    def held(self) -> int:
        """How many are in memory."""
        return super().__len__()

    def adopt(self, party: str, member: Member) -> None:
        """Put a fetched member here without touching it."""
        super().__setitem__(party, member)

    def take_touched(self) -> list[str]:
        """Parties whose row may have changed since the last call."""
        touched = self.touched
        if self._outlines is not None:
            outlines, self._outlines = self._outlines, None
            touched |= {p for p, m in dict.items(self) if outlines.get(p) != (m.role, m.left_seq)}
        self.touched = set()
        return [party for party in touched if dict.__contains__(self, party)]

    def _complete(self) -> None:
        if not self.complete:
            self.complete = True
            for row in rows.fetch_members(self._db, self._cid):
                self.setdefault(row.party, rows.member_of(row))


class TrackedSeqs(dict[int, str]):
    """Rows (seq -> sender) of a table of which only changes are kept; others are looked up."""

    __slots__ = ("_cid", "_db", "_look_up", "changes")

    def __init__(self, db: Database, cid: int, table: str) -> None:
        super().__init__()
        self._db = db
        self._cid = cid
        self._look_up = _LOOK_UP[table]
        self.changes: dict[int, str | None] = {}

    def __contains__(self, seq: object) -> bool:
        if super().__contains__(seq):
            return True
        return self._db.execute(self._look_up, (self._cid, seq)).fetchone() is not None

    def __setitem__(self, seq: int, sender: str) -> None:
        self.changes[seq] = sender
        super().__setitem__(seq, sender)

    def pop(self, seq: int, default: Any = None) -> Any:
        """Remove a row, whether it was seen here or not."""
        self.changes[seq] = None
        return super().pop(seq, default)

    def take_changes(self) -> dict[int, str | None]:
        """Rows set (sender) or removed (None) since the last call."""
        changes, self.changes = self.changes, {}
        self.clear()
        return changes


class Tracked:
    """One conversation in the projector.

    Attributes:
        present: present members while known and few; None when it must be asked anew.
    """

    __slots__ = ("cid", "members", "mentions_all", "present", "removed", "state")

    def __init__(self, db: Database, cid: int, state: Conversation) -> None:
        self.cid = cid
        self.state = state
        self.present: list[str] | None = None
        state.members = self.members = TrackedMembers(db, cid, complete=state.head == 0)
        state.removed = self.removed = TrackedSeqs(db, cid, "removed")
        state.mentions_all = self.mentions_all = TrackedSeqs(db, cid, "mention_all")

    def present_members(self) -> list[str]:
        """Present members; only asked of conversations that are not large."""
        if self.present is None:
            self.present = [party for party, member in dict.items(self.members) if member.left_seq == 0]
        return self.present


class TrackedConversations:
    """The projector's conversations, fetched in groups, the longest unused dropped first."""

    def __init__(self, db: Database, epoch: int) -> None:
        self._db = db
        self._epoch = epoch
        self._held: dict[tuple[str, str], Tracked] = {}
        self._next_cid = 0
        self._fetched = 0
        """Members and conversations fetched since the last count of all; counting costs time."""
        self.forget()

    def forget(self) -> None:
        """Drop everything, because the tables changed otherwise or a transaction was undone."""
        self._held.clear()
        self._next_cid = int(self._db.execute("SELECT coalesce(max(cid), 0) + 1 FROM conversation").fetchone()[0])

    def want(self, keys: Collection[tuple[str, str]]) -> dict[tuple[str, str], Tracked]:
        """The conversations with these keys; unknown ones come as new."""
        found: dict[tuple[str, str], Tracked] = {}
        missing = []
        for key in keys:
            tracked = self._held.pop(key, None)
            if tracked is None:
                missing.append(key)
            else:
                found[key] = tracked
        if missing:
            self._fetch(missing, found)
        self._held |= found
        return found

    def trim(self) -> None:
        """Drop the longest unused while too many members are held."""
        if self._fetched < MAX_TRACKED_MEMBERS // 8:
            return
        self._fetched = 0
        held = sum(tracked.members.held() + 1 for tracked in self._held.values())
        while held > MAX_TRACKED_MEMBERS and self._held:
            tracked = self._held.pop(next(iter(self._held)))
            held -= tracked.members.held() + 1

    def _fetch(self, keys: list[tuple[str, str]], found: dict[tuple[str, str], Tracked]) -> None:
        self._fetched += len(keys)
        small: list[Tracked] = []
        members = 0
        for row in rows.fetch_conversations(self._db, keys):
            tracked = found[row.app, row.name] = Tracked(self._db, row.cid, rows.head_of(row, self._epoch))
            if not row.large:
                small.append(tracked)
                members += row.member_count
                if members >= _PREFETCH_MEMBERS:
                    self._fetch_members(small)
                    small, members = [], 0
        self._fetch_members(small)
        for key in keys:
            if key not in found:
                found[key] = Tracked(self._db, self._next_cid, Conversation(*key, self._epoch))
                self._next_cid += 1

    def _fetch_members(self, small: list[Tracked]) -> None:
        by_cid = {tracked.cid: tracked for tracked in small}
        for row in rows.fetch_members_of(self._db, list(by_cid)):
            by_cid[row.cid].members.adopt(row.party, rows.member_of(row))
            self._fetched += 1
        for tracked in small:
            tracked.members.complete = True
