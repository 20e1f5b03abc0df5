"""The state of one conversation that decisions need, and how each entry changes it.

``apply`` is the only way state changes: the writer applies an entry when it appends it, a
restart applies the same entries from the journal, and the store's projection keeps the same
facts in tables. A property test holds the three together.

Not here: permission (``rules``), counting (``unread``), building entries (services).
"""

from __future__ import annotations

import bisect
from typing import Any

import msgspec

from trunkline.domain.communities import structure
from trunkline.domain.log.records import CursorMoved, EntriesHidden, Entry, SettingsChanged
from trunkline.domain.rooms import book
from trunkline.domain.rooms.roles import Role
from trunkline.wire import entries as types
from trunkline.wire.calls.session import MemberSettings

OWNER = "owner"
ADMIN = "admin"
MEMBER = "member"
LARGE_MEMBER_COUNT = 1000
"""Above this a conversation is never written to inboxes; crossing is one-way."""

VIRTUAL = frozenset({"broadcast", "channel"})
"""Kinds whose members are computed elsewhere: ``members`` then has only traces of those who did something."""

NONE: list[int] = []
NOTHING: dict[int, bool] = {}
"""Shared empty defaults (never mutated), because a conversation may have 100,000 members."""

_decode_settings = msgspec.msgpack.Decoder(MemberSettings).decode
_decode_content = msgspec.msgpack.Decoder(dict[str, Any]).decode


class Member:
    """One party's membership; kept after leaving, because it bounds what the party may read."""

    __slots__ = (
        "delivered",
        "hidden",
        "hidden_up_to",
        "joined_seq",
        "left_seq",
        "mentioned",
        "muted_until_ms",
        "own",
        "read",
        "read_count",
        "read_own",
        "role",
        "settings",
        "spans",
    )

    def __init__(self, role: str, joined_seq: int, count: int, own: int = 0) -> None:
        self.role = role
        self.joined_seq = joined_seq
        """First seq of the present (or last) stay; 1 where earlier history is open to joiners."""
        self.left_seq = 0
        """Last visible seq; 0 while a member."""
        self.spans: tuple[tuple[int, int], ...] = ()
        """Earlier stays as (first, last) seq ranges, oldest first."""
        self.own = own
        self.muted_until_ms = 0
        self.delivered = joined_seq if joined_seq > 1 else 0
        self.read = self.delivered
        self.read_count = count
        self.read_own = own
        self.mentioned: list[int] = NONE
        """Ascending seqs above ``read`` that mention this party by name."""
        self.hidden: dict[int, bool] = NOTHING
        """Seqs deleted for this party only -> whether it counts as unread otherwise."""
        self.hidden_up_to = 0
        self.settings: MemberSettings | None = None

    @property
    def present(self) -> bool:
        """Whether the party is a member now."""
        return self.left_seq == 0

    def may_see(self, seq: int) -> bool:
        """Whether the entry at ``seq`` falls into one of the party's stays."""
        if seq >= self.joined_seq:
            return self.left_seq == 0 or seq <= self.left_seq
        return any(first <= seq <= last for first, last in self.spans)

    @property
    def first_visible(self) -> int:
        """The lowest seq of any stay."""
        return self.spans[0][0] if self.spans else self.joined_seq


class Conversation:
    """A conversation's decision state. Fresh ones have ``head`` 0 until ``conversation.created`` applies."""

    __slots__ = (
        "active_at_ms",
        "app",
        "at_ms",
        "count",
        "created_at_ms",
        "dismissed",
        "epoch",
        "head",
        "id",
        "kind",
        "large",
        "member_count",
        "members",
        "mentions_all",
        "pinned",
        "removed",
        "removed_seqs",
        "settings",
    )

    def __init__(self, app: str, conversation: str, epoch: int) -> None:
        self.app = app
        self.id = conversation
        self.epoch = epoch
        self.kind = ""
        self.head = 0
        self.at_ms = 0
        self.active_at_ms = 0
        """Time of the last countable entry (or of creation)."""
        self.created_at_ms = 0
        self.count = 0
        self.members: dict[str, Member] = {}
        self.member_count = 0
        self.large = False
        self.dismissed = False
        self.settings: dict[str, Any] = {}
        """name, avatar, custom, join, who_invites, history_before_join, muted_all."""
        self.removed: dict[int, str] = {}
        """Countable messages recalled, expired or erased: seq -> sender. Unread is corrected by these."""
        self.removed_seqs: list[int] = []
        """The keys of ``removed``, ascending."""
        self.mentions_all: dict[int, str] = {}
        """Seqs that mention everyone, ascending: seq -> sender."""
        self.pinned: tuple[int, ...] = ()

    @property
    def virtual(self) -> bool:
        """Whether members are computed elsewhere (``VIRTUAL``)."""
        return self.kind in VIRTUAL

    def trace(self, party: str) -> Member | None:
        """The party's row; in a virtual conversation it is made when the party first does something there."""
        found = self.members.get(party)
        if found is None and self.kind in VIRTUAL and party != "bot/system":
            found = self.members[party] = Member(MEMBER, 1, 0)
        return found

    def member(self, party: str) -> Member | None:
        """The party's present membership, or None."""
        found = self.members.get(party)
        return found if found is not None and found.left_seq == 0 else None

    def apply(self, entry: Entry) -> None:
        """Change the state by the next entry. ``entry.seq`` must be ``head + 1``."""
        if entry.seq != self.head + 1:
            raise ValueError(f"entry {entry.seq} does not follow head {self.head}")
        self.head = entry.seq
        self.at_ms = entry.at_ms
        if entry.count != self.count:
            self.count = entry.count
            self.active_at_ms = entry.at_ms
            sender = self.members.get(entry.sender)
            if sender is None:
                sender = self.trace(entry.sender)
            if sender is not None:
                sender.own = entry.own
            if entry.mentions:
                self._note_mentions(entry)
            return
        change = _CHANGES.get(entry.type)
        if change is not None:
            change(self, entry)

    def _note_mentions(self, entry: Entry) -> None:
        for party in entry.mentions:
            if party == "*":
                self.mentions_all[entry.seq] = entry.sender
                continue
            member = self.trace(party)
            if member is not None and party != entry.sender:
                member.mentioned = [*member.mentioned, entry.seq]

    def move_cursor(self, moved: CursorMoved) -> None:
        """Apply a cursor record; cursors never go back."""
        member = self.trace(moved.party)
        if member is None:
            return
        member.delivered = max(member.delivered, moved.delivered)
        if moved.read > member.read:
            member.read = moved.read
            member.read_count = moved.read_count
            member.read_own = moved.read_own
            if member.mentioned:
                member.mentioned = [s for s in member.mentioned if s > moved.read] or NONE

    def hide(self, hidden: EntriesHidden) -> None:
        """Apply a delete-for-me record."""
        member = self.trace(hidden.party)
        if member is None:
            return
        member.hidden_up_to = max(member.hidden_up_to, hidden.up_to)
        seqs = member.hidden | dict.fromkeys(hidden.seqs, False) | dict.fromkeys(hidden.counted, True)
        member.hidden = {s: counted for s, counted in seqs.items() if s > member.hidden_up_to}

    def configure(self, changed: SettingsChanged) -> None:
        """Apply a party's own settings."""
        member = self.trace(changed.party)
        if member is not None:
            member.settings = _decode_settings(changed.value)

    def erase(self, party: str) -> None:
        """Forget what an erased party kept about this conversation for itself."""
        member = self.members.get(party)
        if member is not None:
            member.settings = None
            member.hidden = NOTHING
            member.hidden_up_to = 0

    # --- changes, by entry type -------------------------------------------------------------

    def _created(self, entry: Entry) -> None:
        content = _decode_content(entry.content)
        self.kind = content["kind"]
        self.created_at_ms = self.active_at_ms = entry.at_ms
        self.settings = {k: v for k, v in content.items() if k not in ("kind", "members", "owner")}
        owner = content.get("owner", "")
        self.large = self.kind in VIRTUAL
        for party in content["members"]:
            self._join(party, OWNER if party == owner else MEMBER, 1)
        if self.kind == "room":
            # Nobody is a member of a room's log: whoever is in the room is told, and nobody's inbox is written to.
            self.large = True
            if owner:
                book.apply_parties(self.settings, {"parties": [owner], "role": Role.HOST}, entry.at_ms)

    def _updated(self, entry: Entry) -> None:
        self.settings.update(_decode_content(entry.content))

    def _dismissed(self, entry: Entry) -> None:
        self.dismissed = True
        for member in self.members.values():
            if member.left_seq == 0:
                member.left_seq = entry.seq
        self.member_count = 0

    def _transferred(self, entry: Entry) -> None:
        party = _decode_content(entry.content)["party"]
        for member in self.members.values():
            if member.role == OWNER:
                member.role = ADMIN
        self.members[party].role = OWNER

    def _members_added(self, entry: Entry) -> None:
        first = 1 if self.settings.get("history_before_join") else entry.seq
        for party in _decode_content(entry.content)["parties"]:
            self._join(party, MEMBER, first, at_seq=entry.seq)

    def _members_removed(self, entry: Entry) -> None:
        parties = _decode_content(entry.content)["parties"]
        for party in parties:
            member = self.members.get(party)
            if member is not None and member.left_seq == 0:
                member.left_seq = entry.seq
                self.member_count -= 1
        if self.kind == structure.KIND:
            structure.leave(self.settings[structure.KEY], parties)

    def _community_changed(self, entry: Entry) -> None:
        structure.fold(self.settings[structure.KEY], _decode_content(entry.content))

    def _member_changed(self, entry: Entry) -> None:
        content = _decode_content(entry.content)
        member = self.members[content["party"]]
        member.role = content.get("role", member.role)
        member.muted_until_ms = content.get("muted_until_ms", member.muted_until_ms)

    def _removed(self, entry: Entry) -> None:
        content = _decode_content(entry.content)
        if content.get("counted", True) and entry.target not in self.removed:
            self.removed[entry.target] = content["sender"]
            bisect.insort(self.removed_seqs, entry.target)
        self.mentions_all.pop(entry.target, None)
        for party in content.get("mentions", ()):
            member = self.members.get(party)
            if member is not None and entry.target in member.mentioned:
                member.mentioned = [s for s in member.mentioned if s != entry.target] or NONE
        if entry.target in self.pinned:
            self.pinned = tuple(s for s in self.pinned if s != entry.target)

    def _pinned(self, entry: Entry) -> None:
        others = tuple(s for s in self.pinned if s != entry.target)
        self.pinned = (*others, entry.target) if _decode_content(entry.content)["on"] else others

    def _room_parties(self, entry: Entry) -> None:
        book.apply_parties(self.settings, _decode_content(entry.content), entry.at_ms)

    def _room_attributes(self, entry: Entry) -> None:
        book.apply_attributes(self.settings, _decode_content(entry.content))

    def _join(self, party: str, role: str, first: int, at_seq: int = 1) -> None:
        before = self.members.get(party)
        if before is not None and before.left_seq == 0:
            return
        member = Member(role, first, self.count, before.own if before is not None else 0)
        if at_seq > 1:
            # Nothing from before joining counts as unread, even where it may be read.
            member.delivered = member.read = at_seq - 1
        if before is not None:
            if first > 1:
                member.spans = (*before.spans, (before.joined_seq, before.left_seq))
            member.read_own = before.own
            member.hidden = before.hidden
            member.hidden_up_to = before.hidden_up_to
            member.settings = before.settings
        self.members[party] = member
        self.member_count += 1
        if self.member_count > LARGE_MEMBER_COUNT:
            self.large = True


_CHANGES = {
    types.CREATED: Conversation._created,
    types.UPDATED: Conversation._updated,
    types.DISMISSED: Conversation._dismissed,
    types.TRANSFERRED: Conversation._transferred,
    types.MEMBERS_ADDED: Conversation._members_added,
    types.MEMBERS_REMOVED: Conversation._members_removed,
    types.MEMBER_CHANGED: Conversation._member_changed,
    types.RECALLED: Conversation._removed,
    types.EXPIRED: Conversation._removed,
    types.PINNED: Conversation._pinned,
    types.COMMUNITY_CHANGED: Conversation._community_changed,
    types.ROOM_PARTIES_CHANGED: Conversation._room_parties,
    types.ROOM_ATTRIBUTES_CHANGED: Conversation._room_attributes,
}
