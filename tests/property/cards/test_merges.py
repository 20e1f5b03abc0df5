"""The merges of cards: whatever order, how often and by what detours entries arrive, devices end at one state."""

from __future__ import annotations

import copy
from typing import NamedTuple

from hypothesis import given
from hypothesis import strategies as st

from trunkline.protocol.cards.merges import apply_all, as_of, join
from trunkline.wire.cards import CardState, Merge, Op

FIELDS: dict[str, Merge] = {"tags": "set", "winner": "first", "title": "last", "likes": "counter"}
DEVICES = 5


class Change(NamedTuple):
    """An entry as the log orders it."""

    seq: int
    by: str
    ops: tuple[Op, ...]


@st.composite
def logs(draw: st.DrawFn) -> list[Change]:
    """What five devices did to one card, in the order of the log."""
    changes = []
    for seq in range(2, 2 + draw(st.integers(1, 25))):
        cells = draw(
            st.lists(st.tuples(st.sampled_from(sorted(FIELDS)), st.sampled_from("abc")), max_size=4, unique=True)
        )
        by = f"user/u{draw(st.integers(1, DEVICES))}"
        ops = tuple(
            Op(field, FIELDS[field], key, draw(st.booleans() if field == "tags" else st.integers(0, 9)))
            for field, key in cells
        )
        changes.append(Change(seq, by, ops))
    return changes


def fold(changes: list[Change]) -> CardState:
    """The state after these entries, in this order."""
    state = CardState()
    for change in changes:
        apply_all(state, change.ops, seq=change.seq, at_ms=change.seq * 1000, by=change.by)
    return state


def visible(state: CardState) -> dict[str, dict[str, tuple[int, object]]]:
    """A state without the fields nothing was written to."""
    return {
        name: {key: (cell.seq, cell.value) for key, cell in field.cells.items()}
        for name, field in state.fields.items()
        if field.cells
    }


@given(logs(), st.data())
def test_devices_that_saw_parts_in_any_order_and_more_than_once_converge(
    log: list[Change], data: st.DataObject
) -> None:
    devices = []
    for _ in range(DEVICES):
        part = data.draw(st.lists(st.sampled_from(log), max_size=2 * len(log)))
        devices.append(fold(part))
    missed = fold(data.draw(st.permutations(log)))
    for device in devices:
        assert visible(join(device, missed)) == visible(fold(log))
    # Partitions heal in any pairing, without anyone who saw everything.
    together = devices[0]
    for device in devices[1:]:
        together = join(device, together)
    apply_rest = join(together, fold(log[::-1]))
    assert visible(apply_rest) == visible(fold(log))


@given(logs(), st.data())
def test_join_is_commutative_associative_and_idempotent(log: list[Change], data: st.DataObject) -> None:
    one, two, three = (fold(data.draw(st.lists(st.sampled_from(log)))) for _ in range(3))
    before = copy.deepcopy((one, two, three))
    assert visible(join(one, two)) == visible(join(two, one))
    assert visible(join(join(one, two), three)) == visible(join(one, join(two, three)))
    assert visible(join(one, one)) == visible(one)
    assert (one, two, three) == before, "joining changes neither side"


@given(logs())
def test_each_merge_means_what_it_says(log: list[Change]) -> None:
    state = fold(log)
    written = [(change.seq, op) for change in log for op in change.ops]
    for key in "abc":
        firsts = [op.value for _, op in written if op.field == "winner" and op.key == key]
        lasts = [op.value for _, op in written if op.field == "title" and op.key == key]
        assert state.value("winner", key) == (firsts[0] if firsts else None)
        assert state.value("title", key) == (lasts[-1] if lasts else None)
    tags = {op.key: op.value for _, op in written if op.field == "tags"}
    assert state.members("tags") == sorted(key for key, on in tags.items() if on)
    likes = {op.key: op.value for _, op in written if op.field == "likes"}
    assert state.total("likes") == sum(likes.values())


@given(logs(), st.integers(1, 30))
def test_a_reader_who_left_sees_nothing_written_later(log: list[Change], seq: int) -> None:
    shown = visible(as_of(fold(log), seq))
    assert all(at <= seq for cells in shown.values() for at, _ in cells.values())
