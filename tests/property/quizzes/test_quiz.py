"""A quiz agrees with a model that keeps a list of everything that happened and counts it anew for every question."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from hypothesis import event, given
from hypothesis import strategies as st

from trunkline.base.errors import TrunklineError
from trunkline.domain.quizzes.moves import (
    Asked,
    Closed,
    Created,
    Ended,
    Granted,
    Move,
    decode_move,
    encode_move,
    without,
)
from trunkline.domain.quizzes.quiz import Answer, Quiz, folded

PARTIES = [f"user/p{n}" for n in range(6)]
OPTIONS = 3


@dataclass
class Standing:
    """One party, as the model counts."""

    plays: bool = False
    out: int = 0
    spent: int = 0
    right: int = 0
    right_ms: int = 0
    cards: int = 0


@dataclass
class Model:
    """Everything that happened, in order, and nothing else."""

    rules: Created
    history: list[tuple[Any, ...]] = field(default_factory=list)

    def of(self, kind: str) -> list[tuple[Any, ...]]:
        return [event for event in self.history if event[0] == kind]

    @property
    def asked(self) -> list[Asked]:
        return [event[1] for event in self.of("asked")]

    @property
    def over(self) -> bool:
        return bool(self.of("ended"))

    def answer_of(self, party: str, question: int) -> tuple[int, int] | None:
        found = [(choice, after) for _, by, to, choice, after in self.of("answer") if (by, to) == (party, question)]
        assert len(found) <= 1
        return found[0] if found else None

    def standing(self, party: str) -> Standing:
        me = Standing(cards=self.rules.cards)
        for what, *values in self.history:
            if what == "granted" and party in values[0]:
                me.cards = values[1]
            elif what == "answer" and values[0] == party:
                me.plays = True
            elif what == "revived" and values[0] == party:
                me.out, me.spent = 0, me.spent + 1
            elif what == "closed" and me.plays and not me.out and not values[1]:
                question = values[0]
                answer = self.answer_of(party, question)
                if answer is not None and answer[0] in self.asked[question - 1].correct:
                    me.right, me.right_ms = me.right + 1, me.right_ms + answer[1]
                elif self.rules.elimination:
                    saved = self.rules.automatic and self.revivable(me, question)
                    me.spent, me.out = (me.spent + 1, 0) if saved else (me.spent, question)
        return me

    def revivable(self, me: Standing, question: int) -> bool:
        until = self.rules.revive_until
        return (not until or question <= until) and me.spent < min(self.rules.revivals, me.cards)

    def answer(self, party: str, question: int, choice: int, now_ms: int) -> str:
        if not 1 <= question <= len(self.asked):
            return "not_found"
        before = self.answer_of(party, question)
        if before is not None:
            return "again" if before[0] == choice else "already_answered"
        if choice >= OPTIONS:
            return "invalid_params"
        asked = self.asked[question - 1]
        ended = question <= len(self.of("closed"))
        if ended or self.over or now_ms >= asked.closes_at_ms:
            return "too_late"
        me = self.standing(party)
        counted = sum(not void for _, _, void in self.of("closed"))
        if me.out or (not me.plays and self.rules.elimination and counted >= self.rules.begin_until):
            return "eliminated"
        self.history.append(("answer", party, question, choice, now_ms - asked.at_ms))
        return "new"

    def revive(self, party: str, now_ms: int) -> str:
        me = self.standing(party)
        last = len(self.of("closed"))
        if not me.out:
            return "again" if ("revived", party, last) in self.history else "no_revival"
        if self.rules.automatic or not self.revivable(me, me.out):
            return "no_revival"
        open_until = self.asked[-1].closes_at_ms if len(self.asked) > last else now_ms + 1
        if me.out != last or self.over or now_ms >= open_until:
            return "too_late"
        self.history.append(("revived", party, last))
        return "new"


class Both:
    """The quiz and the model side by side, and what a store would hold."""

    def __init__(self, rules: Created) -> None:
        self.quiz = Quiz(rules)
        self.model = Model(rules)
        self.moves: list[Move] = []
        self.answers: list[tuple[int, str, Answer]] = []
        self.revivals: list[tuple[int, str]] = []
        self.now_ms = rules.at_ms

    def move(self, move: Move) -> None:
        self.moves.append(move)
        self.quiz.apply(move)

    def ask(self, correct: list[int], answer_ms: int) -> None:
        if self.quiz.open is not None or self.model.over:
            return
        asked = Asked(
            len(self.moves_of(Asked)) + 1, "user/host", "?", ("a", "b", "c"), tuple(correct), self.now_ms,
            self.now_ms + answer_ms,
        )  # fmt: skip
        self.move(asked)
        self.model.history.append(("asked", asked))

    def close(self, void: bool) -> None:
        if self.quiz.open is None:
            return
        before = {party: self.model.standing(party) for party in PARTIES}
        question = len(self.model.asked)
        closed = self.quiz.decide_end_of_question(self.now_ms, void=void)
        chosen = [choice for _, _, to, choice, _ in self.model.of("answer") if to == question]
        assert closed.tallies == tuple(chosen.count(option) for option in range(OPTIONS))
        assert closed.right == sum(choice in self.model.asked[-1].correct for choice in chosen)
        self.move(closed)
        self.model.history.append(("closed", question, void))
        after = {party: self.model.standing(party) for party in PARTIES}
        assert closed.out == sum(after[party].out == question for party in PARTIES)
        assert closed.revived == sum(after[party].spent - before[party].spent for party in PARTIES)
        assert closed.left == sum(me.plays and not me.out for me in after.values())
        event(f"put out: {closed.out > 0}, revived: {closed.revived > 0}, void: {void}")

    def moves_of(self, kind: type[Move]) -> list[Move]:
        return [move for move in self.moves if isinstance(move, kind)]

    def answer(self, party: str, question: int, choice: int) -> None:
        try:
            given, new = self.quiz.decide_answer(party, question, choice, self.now_ms)
        except TrunklineError as error:
            outcome = error.code.slug
        else:
            outcome = "new" if new else "again"
            if new:
                self.quiz.apply_answer(party, question, given)
                self.answers.append((question, party, given))
        expected = self.model.answer(party, question, choice, self.now_ms)
        event(f"answer: {expected}")
        assert outcome == expected

    def revive(self, party: str) -> None:
        try:
            question, new = self.quiz.decide_revival(party, self.now_ms)
        except TrunklineError as error:
            outcome = error.code.slug
        else:
            outcome = "new" if new else "again"
            if new:
                self.quiz.apply_revival(party, question)
                self.revivals.append((question, party))
        expected = self.model.revive(party, self.now_ms)
        event(f"revival: {expected}")
        assert outcome == expected

    def end(self) -> None:
        if self.quiz.open is None and not self.model.over:
            self.move(Ended(self.now_ms, len(self.quiz.players), self.quiz.left))
            self.model.history.append(("ended",))

    def check(self) -> None:
        """The quiz, and the same read from its store in whatever order, are what the model counts."""
        stored = [decode_move(encode_move(move)) for move in self.moves]
        again = folded(self.quiz.created, stored, self.answers[::-1], self.revivals[::-1])
        for quiz in (self.quiz, again):
            for party in PARTIES:
                me = self.model.standing(party)
                player = quiz.players.get(party)
                assert (player is not None) == me.plays
                assert quiz.allowance(party) == min(self.model.rules.revivals, me.cards)
                if player is not None:
                    assert (player.out, player.spent) == (me.out, me.spent)
                    assert (player.right, player.right_ms) == (me.right, me.right_ms)
            playing = [(p, self.model.standing(p)) for p in PARTIES if self.model.standing(p).plays]
            assert quiz.left == sum(not me.out for _, me in playing)
            expected = sorted(playing, key=lambda row: (bool(row[1].out), -row[1].right, row[1].right_ms, row[0]))
            assert [row.party for row in quiz.ranking()] == [party for party, _ in expected]


rules = st.builds(
    Created,
    by=st.just("user/host"),
    title=st.just(""),
    at_ms=st.just(1_000_000),
    elimination=st.sampled_from([True, True, True, False]),
    begin_until=st.integers(1, 3),
    revivals=st.integers(0, 2),
    cards=st.integers(0, 2),
    automatic=st.booleans(),
    revive_until=st.integers(0, 3),
)
party = st.sampled_from(PARTIES)
act = st.one_of(
    st.tuples(st.just("answer"), party, st.integers(-1, 1), st.sampled_from([0, 0, 1, 2, 3])),
    st.tuples(st.just("answer"), party, st.just(0), st.just(0)),
    st.tuples(st.just("wait"), st.sampled_from([0, 1, 7, 40, 100])),
    st.tuples(st.just("revive"), party),
    st.tuples(st.just("grant"), st.lists(party, min_size=1, max_size=3), st.integers(0, 3)),
)
round_ = st.tuples(
    st.lists(st.integers(0, OPTIONS - 1), min_size=1, max_size=2, unique=True),
    st.integers(1, 60),
    st.lists(act, max_size=14),
    st.sampled_from([False, False, False, True]),
    st.lists(act, max_size=4),
)


def run(both: Both, acts: list[tuple[Any, ...]]) -> None:
    for what, *values in acts:
        if what == "answer":
            by, shift, choice = values
            both.answer(by, len(both.model.asked) + shift, choice)
        elif what == "wait":
            both.now_ms += values[0]
        elif what == "revive":
            both.revive(values[0])
        elif not both.model.over:
            parties, cards = tuple(values[0]), values[1]
            both.move(Granted(parties, cards))
            both.model.history.append(("granted", parties, cards))


@given(rules, st.lists(round_, max_size=5), st.lists(act, max_size=4))
def test_a_quiz_agrees_with_a_model_that_counts_everything_anew(
    created: Created, rounds: list[Any], afterwards: list[Any]
) -> None:
    both = Both(created)
    for correct, answer_ms, during, void, between in rounds:
        both.ask(correct, answer_ms)
        run(both, during)
        both.close(void)
        run(both, between)
        both.check()
    both.end()
    run(both, afterwards)
    both.check()


@given(rules, st.lists(round_, min_size=1, max_size=4), party)
def test_an_erased_party_is_in_no_result_and_what_was_counted_stays(
    created: Created, rounds: list[Any], gone: str
) -> None:
    both = Both(created)
    for correct, answer_ms, during, void, between in rounds:
        both.ask(correct, answer_ms)
        run(both, during)
        both.close(void)
        run(both, between)
    before, closed = both.quiz.ranking(), list(both.quiz.closed)
    both.quiz.erase(gone)
    stored = [without(move, gone) for move in both.moves]
    again = folded(
        created, stored, [row for row in both.answers if row[1] != gone], [r for r in both.revivals if r[1] != gone]
    )
    for quiz in (both.quiz, again):
        assert quiz.ranking() == [row for row in before if row.party != gone]
        assert quiz.closed == closed
        assert quiz.left == sum(row.left for row in quiz.ranking())
    assert all(isinstance(move, Closed) and move in stored for move in closed)
