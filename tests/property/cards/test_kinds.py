"""The rules of card kinds: red packets are exact, and bad input changes nothing, whatever it is."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trunkline.base.errors import Code, TrunklineError
from trunkline.crypto.draws import CardSecrets
from trunkline.domain.cards.card import MAX_CELLS, MAX_STATE_BYTES, Actor, Card, Decision
from trunkline.domain.cards.registry import CARD_KINDS, new_card
from trunkline.protocol.cards.merges import apply_all
from trunkline.wire.cards import Op

NOW_MS = 1_790_000_000_000
CREATOR = "user/maker"
SECRETS = CardSecrets(b"k" * 32)

EXAMPLES: dict[str, dict[str, Any]] = {
    "poll": {"question": "Lunch?", "options": ["rice", "noodles"]},
    "event": {"title": "Launch", "starts_at_ms": NOW_MS + 1000, "ends_at_ms": NOW_MS + 5000},
    "location": {"latitude": 31.2, "longitude": 121.5},
    "live_location": {"latitude": 31.2, "longitude": 121.5},
    "todo": {"title": "Trip", "items": [{"text": "tickets", "item": "t"}]},
    "approval": {"title": "Leave", "approvers": ["user/u1", "user/u2"]},
    "form": {"title": "Size", "questions": [{"id": "size", "label": "Size", "required": True}]},
    "red_packet": {"amount": 100, "shares": 4},
    "custom": {"name": "dice", "fields": {"rolls": {"merge": "last", "schema": {"type": "integer", "minimum": 1}}}},
}


def make(kind: str, data: dict[str, Any]) -> Card:
    """A card as its entry makes it."""
    content = new_card(kind, data, 0, 0, NOW_MS).content
    return Card(kind, CARD_KINDS[kind].read(content["data"]), CREATOR, 7, NOW_MS, 0)


def actor(party: str, *, rank: int = 1, server: bool = False) -> Actor:
    """Somebody who acts now."""
    return Actor(party, party, rank, server, NOW_MS)


def apply(card: Card, decision: Decision, by: str) -> None:
    """What the log does with a decision."""
    seq = card.changed_seq + 1
    apply_all(card.state, decision.ops, seq=seq, at_ms=NOW_MS, by=by)
    card.note(decision.ops, seq)


def last_word(card: Card) -> str:
    """Why the card is closed; empty while it is open."""
    return card.state.closed


def claims_of(card: Card) -> dict[str, int]:
    return {party: cell.value["amount"] for party, cell in card.state.cells("claims").items()}


@given(
    shares=st.integers(1, 60),
    extra=st.one_of(st.integers(0, 100), st.integers(0, 2**53 - 100)),
    split=st.sampled_from(["equal", "random"]),
    claimers=st.lists(st.integers(0, 80), max_size=120),
)
def test_red_packet_claims_and_refund_are_exact(shares: int, extra: int, split: str, claimers: list[int]) -> None:
    amount = shares + extra
    kind = CARD_KINDS["red_packet"]
    card = make("red_packet", {"amount": amount, "shares": shares, "split": split})
    for who in claimers:
        party = f"user/u{who}"
        before = claims_of(card)
        try:
            decision = kind.act(card, actor(party), "claim", {}, SECRETS.draw("a/c/7", len(before)))
        except TrunklineError as refused:
            assert len(before) == shares, refused
            assert party not in before, "asking again is never refused"
            assert refused.code in (Code.NOTHING_LEFT, Code.CARD_CLOSED)
            continue
        if party in before:
            assert not decision.ops and decision.repeats is not None
            assert decision.repeats.value["amount"] == before[party], "a second claim gets the first answer"
            continue
        apply(card, decision, party)
        assert claims_of(card)[party] >= 1
    claimed = claims_of(card)
    assert set(claimed) <= {f"user/u{who}" for who in claimers} and len(claimed) <= shares
    assert sum(claimed.values()) <= amount
    if split == "equal" and claimed:
        assert max(claimed.values()) - min(claimed.values()) <= 1
    if not card.state.closed:
        apply(card, kind.end(card, "expired"), "bot/system")
        refund = card.state.value("refund")["amount"]
    else:
        refund = 0
    assert sum(claimed.values()) + refund == amount


def test_draws_are_the_same_after_a_restart_and_differ_by_card_and_deployment() -> None:
    again, other = CardSecrets(b"k" * 32), CardSecrets(b"x" * 32)
    assert again.draw("a/c/7", 3) == SECRETS.draw("a/c/7", 3)
    draws = {SECRETS.draw("a/c/7", 3), SECRETS.draw("a/c/8", 3), SECRETS.draw("a/c/7", 4), other.draw("a/c/7", 3)}
    assert len(draws) == 4
    assert "k" * 32 not in repr(SECRETS)


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)


@pytest.mark.parametrize("name", sorted(CARD_KINDS))
def test_every_kind_has_an_example_that_is_accepted(name: str) -> None:
    assert make(name, EXAMPLES[name]).data is not None


@pytest.mark.parametrize("name", sorted(CARD_KINDS))
@given(value=st.dictionaries(st.text(max_size=8), values, max_size=4), data=st.data())
def test_actions_are_decided_or_refused_and_deciding_changes_nothing(
    name: str, value: dict[str, Any], data: st.DataObject
) -> None:
    card = make(name, EXAMPLES[name])
    kind = CARD_KINDS[name]
    action = data.draw(st.sampled_from([*kind.actions, "close", "nonsense"]))
    known = data.draw(st.sampled_from(["item", "choices", "text", "answer", "state", "status", "latitude", "key"]))
    value = {**value, known: data.draw(values)}
    before = copy.deepcopy(card.state)
    try:
        decision = kind.act(card, actor("user/u1"), action, value, 5)
    except TrunklineError as refused:
        assert 1000 <= refused.code.number < 6000
    else:
        assert isinstance(decision, Decision)
    assert card.state == before


def test_a_vote_is_replaced_repeated_and_bounded() -> None:
    card, kind = make("poll", EXAMPLES["poll"]), CARD_KINDS["poll"]
    apply(card, kind.act(card, actor("user/u1"), "vote", {"choices": [0]}), "user/u1")
    assert kind.act(card, actor("user/u1"), "vote", {"choices": [0]}).repeats is not None
    apply(card, kind.act(card, actor("user/u1"), "vote", {"choices": [1]}), "user/u1")
    assert card.state.value("votes", "user/u1") == [1]
    for choices in ([0, 1], [2], [-1]):
        with pytest.raises(TrunklineError) as refused:
            kind.act(card, actor("user/u2"), "vote", {"choices": choices})
        assert refused.value.code is Code.INVALID_CONTENT
    apply(card, kind.act(card, actor(CREATOR), "close", {}), CREATOR)
    with pytest.raises(TrunklineError) as late:
        kind.act(card, actor("user/u2"), "vote", {"choices": [0]})
    assert late.value.code is Code.CARD_CLOSED


def test_approvers_decide_in_their_order_and_a_decision_is_final() -> None:
    card, kind = make("approval", EXAMPLES["approval"]), CARD_KINDS["approval"]

    def refusal(party: str, decision: str) -> Code:
        with pytest.raises(TrunklineError) as refused:
            kind.act(card, actor(party), "decide", {"decision": decision})
        return refused.value.code

    assert refusal("user/u2", "approve") is Code.NOT_YOUR_TURN
    assert refusal("user/u3", "approve") is Code.FORBIDDEN
    apply(card, kind.act(card, actor("user/u1"), "decide", {"decision": "approve"}), "user/u1")
    assert refusal("user/u1", "reject") is Code.ALREADY_EXISTS
    assert not last_word(card)
    last = kind.act(card, actor("user/u2"), "decide", {"decision": "approve"})
    assert last.closes and last.event == {"type": "approved"}
    apply(card, last, "user/u2")
    assert card.state.value("outcome") == last_word(card) == "approved"


def test_a_card_of_an_app_keeps_to_its_schema() -> None:
    card, kind = make("custom", EXAMPLES["custom"]), CARD_KINDS["custom"]
    good = kind.act(card, actor("user/u1"), "apply", {"ops": [{"field": "rolls", "value": 6}]})
    apply(card, good, "user/u1")
    assert card.state.value("rolls", "user/u1") == 6
    for ops in (
        [{"field": "rolls", "value": 0}],
        [{"field": "rolls", "value": "six"}],
        [{"field": "other", "value": 1}],
    ):
        with pytest.raises(TrunklineError) as refused:
            kind.act(card, actor("user/u1"), "apply", {"ops": ops})
        assert refused.value.code is Code.INVALID_CONTENT
    with pytest.raises(TrunklineError):
        make("custom", {"name": "dice", "fields": {"rolls": {"merge": "last", "schema": {"type": "no such type"}}}})


def test_a_cell_written_for_hours_is_one_cell_and_a_full_card_still_changes() -> None:
    card = make("live_location", EXAMPLES["live_location"])
    for step in range(30_000):
        ops = (Op("positions", "last", CREATOR, {"latitude": 1.0, "longitude": step / 1000}),)
        assert card.has_room_for(ops)
        card.changed_seq += 1
        apply_all(card.state, ops, seq=card.changed_seq, at_ms=NOW_MS, by=CREATOR)
        card.note(ops, card.changed_seq)
    assert card.cell_count == 1
    full = make("custom", {"name": "board", "fields": {"f": {"merge": "last", "keys": "any"}}})
    every = tuple(Op("f", "last", f"k{number}", 1) for number in range(MAX_CELLS))
    apply_all(full.state, every, seq=8, at_ms=NOW_MS, by=CREATOR)
    full.note(every, 8)
    assert full.has_room_for((Op("f", "last", "k7", 2),))
    assert not full.has_room_for((Op("f", "last", "one more", 2),))
    assert not make("poll", EXAMPLES["poll"]).has_room_for((Op("f", "last", "k", "x" * MAX_STATE_BYTES),))
