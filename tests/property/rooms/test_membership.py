"""Membership, what the log remembers, and attributes, against naive models."""

from __future__ import annotations

from typing import Any

import msgspec
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from trunkline.base.errors import Code, TrunklineError
from trunkline.domain.rooms import book
from trunkline.domain.rooms.attributes import MAX_KEYS, Attribute, Attributes
from trunkline.domain.rooms.book import Named, all_named, apply_attributes, apply_parties
from trunkline.domain.rooms.membership import Membership
from trunkline.domain.rooms.roles import Role

PARTIES = st.sampled_from(["user/a", "user/b", "user/c", "user/d"])
CAPACITY = 3
GRACE_MS = 100


class Coming(RuleBasedStateMachine):
    """Connections come, break and leave; the model is a dict of what should be so."""

    def __init__(self) -> None:
        super().__init__()
        self.real: Membership[int] = Membership(GRACE_MS)
        self.now_ms = 0
        self.next_connection = 0
        self.of: dict[int, str] = {}
        self.away: dict[str, int] = {}
        self.kicked: dict[str, int] = {}

    def members(self) -> set[str]:
        return set(self.of.values()) | set(self.away)

    @rule(party=PARTIES)
    def join(self, party: str) -> None:
        self.next_connection += 1
        connection = self.next_connection
        banned = self.kicked.get(party, 0) > self.now_ms
        full = party not in self.members() and len(self.members()) >= CAPACITY
        try:
            joined = self.real.join(party, connection, self.now_ms, CAPACITY)
        except TrunklineError as error:
            assert error.code is (Code.BANNED if banned else Code.ROOM_FULL)
            assert banned or full
            return
        assert not banned and not full
        assert joined.first == (party not in self.members())
        assert joined.resumed == (party in self.away)
        self.away.pop(party, None)
        self.of[connection] = party

    @precondition(lambda self: self.of)
    @rule(data=st.data())
    def disconnect(self, data: st.DataObject) -> None:
        connection = data.draw(st.sampled_from(sorted(self.of)))
        party = self.of.pop(connection)
        last = party not in self.of.values()
        assert self.real.disconnect(connection, self.now_ms) == last
        if last:
            self.away[party] = self.now_ms + GRACE_MS

    @rule(party=PARTIES)
    def leave(self, party: str) -> None:
        mine = {c for c, p in self.of.items() if p == party}
        assert set(self.real.leave(party)) == mine
        self.forget(party)

    @rule(party=PARTIES, for_ms=st.integers(1, 200))
    def kick(self, party: str, for_ms: int) -> None:
        self.real.kick(party, self.now_ms + for_ms)
        self.forget(party)
        self.kicked[party] = self.now_ms + for_ms

    @rule(elapsed_ms=st.integers(0, 150))
    def time_passes(self, elapsed_ms: int) -> None:
        self.now_ms += elapsed_ms
        gone = {p for p, until_ms in self.away.items() if until_ms <= self.now_ms}
        assert set(self.real.expire(self.now_ms)) == gone
        for party in gone:
            del self.away[party]

    def forget(self, party: str) -> None:
        self.of = {c: p for c, p in self.of.items() if p != party}
        self.away.pop(party, None)

    @invariant()
    def agrees(self) -> None:
        assert self.real.online == len(self.members())
        assert self.real.connections == self.of
        assert set(self.real.stays) == self.members()
        assert self.real.page("", 10) == sorted(self.members())
        for party, stay in self.real.stays.items():
            assert set(stay.connections) == {c for c, p in self.of.items() if p == party}


TestComing = Coming.TestCase

changes = st.fixed_dictionaries(
    {"parties": st.lists(PARTIES, min_size=1, max_size=3)},
    optional={
        "role": st.integers(0, 4),
        "muted_until_ms": st.integers(0, 100),
        "banned_until_ms": st.integers(0, 100),
        "allowed": st.booleans(),
    },
)


@given(st.lists(st.tuples(changes, st.integers(0, 10)), max_size=20))
def test_what_is_remembered_of_parties_survives_storage_and_forgets_only_what_has_ended(
    entries: list[tuple[dict[str, Any], int]],
) -> None:
    settings: dict[str, Any] = {}
    model: dict[str, Named] = {}
    at_ms = 0
    for content, elapsed_ms in entries:
        at_ms += elapsed_ms
        apply_parties(settings, content, at_ms)
        settings = msgspec.msgpack.decode(msgspec.msgpack.encode(settings))
        for party in content["parties"]:
            known = model.get(party, Named())
            given_fields = {k: v for k, v in content.items() if k != "parties"}
            model[party] = known._replace(**{**given_fields, "role": Role(content.get("role", known.role))})
        for party, known in list(model.items()):
            ended = known.muted_until_ms <= at_ms and known.banned_until_ms <= at_ms
            if ended and known.role is Role.AUDIENCE and not known.allowed:
                del model[party]
        assert all_named(settings) == model


KEYS = st.sampled_from(["a", "b", "c"])


@given(
    st.lists(
        st.tuples(KEYS, PARTIES, st.none() | st.integers(0, 6), st.booleans(), st.booleans(), st.booleans()),
        max_size=30,
    )
)
def test_of_racing_compare_and_sets_one_succeeds_and_versions_strictly_grow(
    steps: list[tuple[str, str, int | None, bool, bool, bool]],
) -> None:
    real = Attributes()
    settings: dict[str, Any] = {}
    model: dict[str, Attribute] = {}
    given_out = [0]
    for key, party, which, auto_delete, delete, may_overwrite in steps:
        before = model.get(key)
        expected = None if which is None else given_out[which % len(given_out)]
        conflict = expected is not None and expected != (before.version if before else 0)
        foreign = before is not None and before.owner != party and not may_overwrite
        try:
            if delete:
                real.check_delete(settings, key, party, expected, may_overwrite=may_overwrite)
            else:
                wanted = Attribute(key, "v", 0, party, auto_delete)
                real.check_set(settings, wanted, expected, may_overwrite=may_overwrite)
        except TrunklineError as error:
            other_kind = before is not None and not delete and before.auto_delete != auto_delete
            reasons = {
                Code.VERSION_CONFLICT: conflict,
                Code.FORBIDDEN: foreign,
                Code.NOT_FOUND: delete and before is None,
                Code.INVALID_PARAMS: other_kind,
            }
            assert reasons[error.code]
            continue
        assert not conflict and not foreign
        if delete:
            assert before is not None
            real.remove(key) if before.auto_delete else apply_attributes(settings, {"removed": [key]})
            del model[key]
        else:
            version = real.next_version(settings, 3)
            assert version > max(given_out)
            given_out.append(version)
            made = model[key] = Attribute(key, "v", version, party, auto_delete)
            if auto_delete:
                real.put(made)
            else:
                apply_attributes(settings, {"set": [[key, "v", version, party]]})
        assert real.all(settings) == sorted(model.values())
    for party in ("user/a", "user/b", "user/c", "user/d"):
        gone = [key for key, a in model.items() if a.owner == party and a.auto_delete]
        assert sorted(real.left(party)) == sorted(gone)


def test_attributes_are_bounded() -> None:
    real = Attributes()
    settings: dict[str, Any] = {}
    for number in range(MAX_KEYS):
        apply_attributes(settings, {"set": [[f"k{number}", "", number + 1, "user/a"]]})
    for wanted, code in (
        (Attribute("one more", "", 0, "user/a"), Code.LIMIT_EXCEEDED),
        (Attribute("k1", "x" * 200_000, 0, "user/a"), Code.LIMIT_EXCEEDED),
    ):
        try:
            real.check_set(settings, wanted, None, may_overwrite=False)
        except TrunklineError as error:
            assert error.code is code
        else:
            raise AssertionError("it was accepted")
    real.check_set(settings, Attribute("k1", "fits", 0, "user/a"), 2, may_overwrite=False)
    assert len(settings[book.ATTRIBUTES]) == MAX_KEYS
