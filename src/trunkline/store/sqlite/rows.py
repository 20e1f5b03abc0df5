"""Rows of ``conversation`` and ``member``, and the domain objects they stand for.

Rows come out of the database as one JSON text for many of them: one step of a statement, so one
wait for the GIL. Not here: when rows are read or written.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple

import msgspec

from trunkline.domain.conversation.state import Conversation, Member
from trunkline.store.sqlite.bulk import fetch_statements
from trunkline.store.sqlite.connection import Database
from trunkline.wire.calls.session import MemberSettings

_PAGE = 4_000
"""Members fetched in one step; bounds how long decoding holds the GIL."""


class ConversationRow(NamedTuple):
    """A row of ``conversation``."""

    cid: int
    app: str
    name: str
    kind: str
    head: int
    at_ms: int
    active_at_ms: int
    created_at_ms: int
    counted: int
    member_count: int
    large: int
    dismissed: int
    settings: str
    pinned: str


class MemberRow(NamedTuple):
    """A row of ``member``."""

    cid: int
    party: str
    role: str
    joined_seq: int
    left_seq: int
    own: int
    muted_until_ms: int
    delivered: int
    read: int
    read_count: int
    read_own: int
    hidden_up_to: int
    spans: str
    mentioned: str
    hidden: str
    settings: str


_json = msgspec.json.Encoder().encode
_encode_settings = msgspec.msgpack.Encoder().encode
_decode_settings = msgspec.msgpack.Decoder(dict[str, Any]).decode
_decode_conversations = msgspec.json.Decoder(list[ConversationRow]).decode
_decode_members = msgspec.json.Decoder(list[MemberRow]).decode
_decode_spans = msgspec.json.Decoder(tuple[tuple[int, int], ...]).decode
_decode_seqs = msgspec.json.Decoder(list[int]).decode
_decode_pinned = msgspec.json.Decoder(tuple[int, ...]).decode
_decode_hidden = msgspec.json.Decoder(list[tuple[int, bool]]).decode
_decode_member_settings = msgspec.json.Decoder(MemberSettings).decode
_decode_pairs = msgspec.json.Decoder(list[tuple[int, str]]).decode

CONVERSATION_COLUMNS = len(ConversationRow._fields)
MEMBER_COLUMNS = len(MemberRow._fields)
INSERT_CONVERSATION = f"REPLACE INTO conversation ({','.join(ConversationRow._fields)}) VALUES"
INSERT_MEMBER = f"REPLACE INTO member ({','.join(MemberRow._fields)}) VALUES"

_C = ",".join("hex(c.settings)" if name == "settings" else f"c.{name}" for name in ConversationRow._fields)
# ruff: noqa: S608 - statements are put together from the column names above only.
_M = ",".join(f"m.{name}" for name in MemberRow._fields)
_CONVERSATIONS = fetch_statements(
    f"SELECT json_group_array(json_array({_C})) FROM (VALUES",
    """) k CROSS JOIN conversation_id i ON i.app = k.column1 AND i.name = k.column2
    CROSS JOIN conversation c ON c.cid = i.cid""",
    columns=2,
)
_MEMBERS_OF = fetch_statements(
    f"SELECT json_group_array(json_array({_M})) FROM (VALUES",
    ") k CROSS JOIN member m ON m.cid = k.column1",
    columns=1,
)
_MEMBER = f"SELECT json_group_array(json_array({_M})) FROM member m WHERE m.cid = ? AND m.party = ?"
_MEMBER_PAGE = f"""SELECT json_group_array(json_array({_M}))
FROM (SELECT * FROM member WHERE cid = ? AND party > ? ORDER BY party LIMIT {_PAGE}) m"""
_REMOVED = "SELECT json_group_array(json_array(seq, sender)) FROM removed WHERE cid = ?"
_MENTIONS_ALL = "SELECT json_group_array(json_array(seq, sender)) FROM mention_all WHERE cid = ?"


def _in_groups(statements: dict[int, str], keys: Sequence[Any], columns: int) -> Iterator[tuple[str, Sequence[Any]]]:
    position = 0
    left = len(keys) // columns
    for size, statement in statements.items():
        while left >= size:
            end = position + size * columns
            yield statement, keys[position:end]
            position = end
            left -= size


def fetch_conversations(db: Database, keys: Iterable[tuple[str, str]]) -> Iterator[ConversationRow]:
    """Rows of the conversations named by (app, id) that exist, in no particular order."""
    flat = [part for key in keys for part in key]
    for statement, part in _in_groups(_CONVERSATIONS, flat, 2):
        yield from _decode_conversations(db.execute(statement, part).fetchone()[0])


def fetch_members_of(db: Database, cids: Sequence[int]) -> Iterator[MemberRow]:
    """All members of several small conversations."""
    for statement, part in _in_groups(_MEMBERS_OF, cids, 1):
        yield from _decode_members(db.execute(statement, part).fetchone()[0])


def fetch_members(db: Database, cid: int) -> Iterator[MemberRow]:
    """All members of one conversation, by party."""
    after = ""
    while True:
        page = _decode_members(db.execute(_MEMBER_PAGE, (cid, after)).fetchone()[0])
        yield from page
        if len(page) < _PAGE:
            return
        after = max(row.party for row in page)


def fetch_member(db: Database, cid: int, party: str) -> MemberRow | None:
    """One member."""
    rows = _decode_members(db.execute(_MEMBER, (cid, party)).fetchone()[0])
    return rows[0] if rows else None


def head_of(row: ConversationRow, epoch: int) -> Conversation:
    """The conversation without its members, removed entries and mentions of everyone."""
    state = Conversation(row.app, row.name, epoch)
    state.kind = row.kind
    state.head = row.head
    state.at_ms = row.at_ms
    state.active_at_ms = row.active_at_ms
    state.created_at_ms = row.created_at_ms
    state.count = row.counted
    state.member_count = row.member_count
    state.large = bool(row.large)
    state.dismissed = bool(row.dismissed)
    state.settings = _decode_settings(bytes.fromhex(row.settings))
    if row.pinned:
        state.pinned = _decode_pinned(row.pinned)
    return state


def load(db: Database, row: ConversationRow, epoch: int) -> Conversation:
    """The whole decision state."""
    state = head_of(row, epoch)
    state.members = {member.party: member_of(member) for member in fetch_members(db, row.cid)}
    removed = sorted(_decode_pairs(db.execute(_REMOVED, (row.cid,)).fetchone()[0]))
    state.removed = dict(removed)
    state.removed_seqs = [seq for seq, _ in removed]
    state.mentions_all = dict(sorted(_decode_pairs(db.execute(_MENTIONS_ALL, (row.cid,)).fetchone()[0])))
    return state


def member_of(row: MemberRow) -> Member:
    """The domain's member."""
    member = Member(row.role, row.joined_seq, row.read_count, row.read_own)
    member.left_seq = row.left_seq
    member.own = row.own
    member.muted_until_ms = row.muted_until_ms
    member.delivered = row.delivered
    member.read = row.read
    member.hidden_up_to = row.hidden_up_to
    if row.spans:
        member.spans = _decode_spans(row.spans)
    if row.mentioned:
        member.mentioned = _decode_seqs(row.mentioned)
    if row.hidden:
        member.hidden = dict(_decode_hidden(row.hidden))
    if row.settings:
        member.settings = _decode_member_settings(row.settings)
    return member


def member_values(cid: int, party: str, member: Member) -> tuple[Any, ...]:
    """A row of ``member``."""
    return (
        cid,
        party,
        member.role,
        member.joined_seq,
        member.left_seq,
        member.own,
        member.muted_until_ms,
        member.delivered,
        member.read,
        member.read_count,
        member.read_own,
        member.hidden_up_to,
        _json(member.spans).decode() if member.spans else "",
        _json(member.mentioned).decode() if member.mentioned else "",
        _json(list(member.hidden.items())).decode() if member.hidden else "",
        _json(member.settings).decode() if member.settings is not None else "",
    )


def conversation_values(cid: int, state: Conversation) -> tuple[Any, ...]:
    """A row of ``conversation``."""
    return (
        cid,
        state.app,
        state.id,
        state.kind,
        state.head,
        state.at_ms,
        state.active_at_ms,
        state.created_at_ms,
        state.count,
        state.member_count,
        int(state.large),
        int(state.dismissed),
        _encode_settings(state.settings),
        _json(state.pinned).decode() if state.pinned else "",
    )
