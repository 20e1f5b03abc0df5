"""Combos and totals of gifts against sums over all entries."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from trunkline.protocol.rooms.gifts import COMBO_MS, GiftBoard
from trunkline.wire.room_items import Gift

entries = st.lists(
    st.tuples(
        st.integers(0, 2 * COMBO_MS),
        st.sampled_from(["user/a", "user/b"]),
        st.sampled_from(["rose", "car"]),
        st.sampled_from(["", "user/host"]),
        st.integers(1, 9),
        st.integers(0, 1000),
    ),
    max_size=60,
)


@given(entries, st.data())
def test_totals_are_the_sums_and_combos_are_the_runs(
    given_: list[tuple[int, str, str, str, int, int]], data: st.DataObject
) -> None:
    board, at_ms = GiftBoard(), 1_000_000
    last: dict[tuple[str, str, str], tuple[int, int]] = {}
    for seq, (pause_ms, giver, gift, to, quantity, amount) in enumerate(given_, 1):
        at_ms += pause_ms
        content = Gift(order=str(seq), gift=gift, quantity=quantity, amount=amount, to=to)
        combo = board.add(seq, at_ms, giver, content)
        key = (giver, gift, to)
        before_ms, before = last.get(key, (-COMBO_MS, 0))
        run = (before if at_ms - before_ms <= COMBO_MS else 0) + quantity
        last[key] = (at_ms, run)
        assert combo is not None and combo.count == run
        repeated = data.draw(st.integers(1, seq))
        assert board.add(repeated, at_ms, giver, content) is None
    assert board.count == sum(entry[4] for entry in given_)
    assert board.amount == sum(entry[4] * entry[5] for entry in given_)
    by_giver = {total.giver: total.amount for total in board.top()}
    assert by_giver == {
        giver: sum(e[4] * e[5] for e in given_ if e[1] == giver) for giver in {entry[1] for entry in given_}
    }
    amounts = [total.amount for total in board.top()]
    assert amounts == sorted(amounts, reverse=True)
