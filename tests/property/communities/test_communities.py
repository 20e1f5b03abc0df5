"""Permissions against a naive reading of the documented order; unread in channels against a model that counts."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from trunkline.domain.communities import structure as tables
from trunkline.domain.communities.channel import Baseline, ChannelMember
from trunkline.domain.communities.permissions import ALL, permissions_of
from trunkline.domain.conversation import Conversation
from trunkline.domain.conversation.unread import unread_as
from trunkline.domain.log.records import CursorMoved, Entry
from trunkline.wire import entries as types
from trunkline.wire.content import encode_content

GROUPS = ["g1", "g2", "g3"]
some = st.sets(st.sampled_from(sorted(ALL))).map(sorted)
level = st.fixed_dictionaries({"allow": some, "deny": some})
overwrites = st.dictionaries(st.sampled_from(GROUPS), level)
place = st.fixed_dictionaries({"everyone": level, "groups": overwrites})


@settings(max_examples=400)
@given(level, st.dictionaries(st.sampled_from(GROUPS), level), place, place, st.sets(st.sampled_from(GROUPS)))
def test_permissions_follow_the_documented_order(
    everyone: Any, groups: Any, category: Any, channel: Any, mine: set[str]
) -> None:
    structure = tables.empty() | {
        "everyone": everyone,
        "groups": {name: one | {"members": []} for name, one in groups.items()},
        "categories": {"k": category},
        "channels": {"c": channel | {"category": "k"}},
    }
    expected = set()
    for permission in ALL:
        allowed = False
        for says_everyone, says_groups in (
            (everyone, groups),
            (category["everyone"], category["groups"]),
            (channel["everyone"], channel["groups"]),
        ):
            if permission in says_everyone["deny"]:
                allowed = False
            elif permission in says_everyone["allow"]:
                allowed = True
            if any(permission in one["deny"] for name, one in says_groups.items() if name in mine):
                allowed = False
            elif any(permission in one["allow"] for name, one in says_groups.items() if name in mine):
                allowed = True
        if allowed:
            expected.add(permission)
    if "view" not in expected:
        expected = set()
    assert permissions_of(structure, "member", sorted(mine), "c") == expected
    assert permissions_of(structure, "admin", sorted(mine), "c") == ALL
    assert permissions_of(structure, "member", sorted(mine), "none") == set()


PARTIES = ["user/a", "user/b", "user/c"]
party = st.sampled_from(PARTIES)
event = st.one_of(
    st.tuples(st.just("say"), party, st.sampled_from([(), ("*",), ("user/b",)])),
    st.tuples(st.just("recall"), st.integers(0, 20)),
    st.tuples(st.just("read"), party, st.integers(0, 4)),
    st.tuples(st.just("rejoin"), party),
)


@settings(max_examples=300)
@given(st.lists(event, min_size=1, max_size=40))
def test_unread_in_a_channel_without_rows_of_members(events: list[tuple[Any, ...]]) -> None:
    state = Conversation("a", "c", 1)
    log: list[Entry] = []
    read = dict.fromkeys(PARTIES, 0)
    joined = dict.fromkeys(PARTIES, 0)

    def append(type: str, sender: str, content: dict[str, Any], counts: bool = False, **more: Any) -> None:
        member = state.members.get(sender)
        own = (member.own if member is not None else 0) + 1 if counts else 0
        seq = state.head + 1
        entry = Entry(seq, seq, sender, type, encode_content(content), state.count + counts, own, **more)
        state.apply(entry)
        log.append(entry)

    def own_at(name: str, seq: int) -> int:
        return sum(1 for e in log[:seq] if e.sender == name and e.type == types.TEXT)

    def member_of(name: str) -> ChannelMember:
        seq = joined[name]
        baseline = Baseline(seq, log[seq - 1].count if seq else 0, own_at(name, seq))
        return ChannelMember("member", frozenset({"view"}), 0, state.members.get(name), baseline)

    append(types.CREATED, "user/a", {"kind": "channel", "members": [], "community": "club"})
    assert state.large and not state.members
    acted = set()
    for kind, *what in events:
        if kind == "say":
            append(types.TEXT, what[0], {"text": "x"}, counts=True, mentions=what[1])
            acted |= {what[0], *(name for name in what[1] if name != "*")}
        elif kind == "recall":
            found = [e for e in log if e.type == types.TEXT and e.seq not in state.removed]
            if found:
                e = found[what[0] % len(found)]
                change = {"sender": e.sender, "mentions": list(e.mentions), "counted": True}
                append(types.RECALLED, e.sender, change, target=e.seq)
        elif kind == "read":
            seq = max(1, state.head - what[1])
            if seq > member_of(what[0]).read:
                counted, own = log[seq - 1].count, own_at(what[0], seq)
                state.move_cursor(CursorMoved("a", "c", what[0], seq, seq, counted, own))
                read[what[0]] = seq
                acted.add(what[0])
        else:
            joined[what[0]] = state.head
        removed = {e.target for e in log if e.type == types.RECALLED}
        for name in PARTIES:
            floor = max(read[name], joined[name])
            unread = [e for e in log if e.type == types.TEXT and e.seq > floor and e.sender != name]
            unread = [e for e in unread if e.seq not in removed]
            mentions = [e for e in unread if name in e.mentions or "*" in e.mentions]
            assert unread_as(state, name, member_of(name)) == (len(unread), len(mentions)), name
    assert set(state.members) <= acted  # nobody has a row who did nothing
