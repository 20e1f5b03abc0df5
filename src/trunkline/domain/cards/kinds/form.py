"""Forms: everyone answers the same questions, and members see the answers.

``responses`` (last, or first when answers are final): party -> answers by question.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Literal

import msgspec
from msgspec import Meta, Struct

from trunkline.base.errors import Code, TrunklineError
from trunkline.domain.cards.card import Actor, Card, Decision
from trunkline.domain.cards.kinds.kind import CardKind, ItemId, Note, Title, check_finite, own_cell, refuse
from trunkline.wire.cards import Cell, Op

Choice = Annotated[str, Meta(min_length=1, max_length=200)]
_LONGEST_TEXT = 4000


class Question(Struct):
    """One question. ``options`` belong to ``choice`` and ``choices``, the bounds to ``number`` and ``text``."""

    id: ItemId
    label: Title
    type: Literal["text", "number", "boolean", "date", "choice", "choices"] = "text"
    required: bool = False
    options: Annotated[list[Choice], Meta(max_length=100)] = msgspec.field(default_factory=list)
    min: float | None = None
    max: float | None = None


class FormData(Struct):
    """Questions; with ``final`` an answer cannot be changed."""

    title: Title
    questions: Annotated[list[Question], Meta(min_length=1, max_length=50)]
    description: Note = ""
    final: bool = False


class Submit(Struct):
    """The answers by question."""

    answers: dict[str, Any]


class Form(CardKind):
    """A form."""

    name = "form"
    data_type = FormData
    actions: ClassVar[Mapping[str, type[Struct]]] = {"submit": Submit}

    def check(self, data: dict[str, Any]) -> FormData:
        """Questions have different names, and choices something to choose."""
        form: FormData = self.read(data)
        if len({question.id for question in form.questions}) != len(form.questions):
            refuse("two questions have the same id")
        for question in form.questions:
            if question.type in ("choice", "choices") and not question.options:
                refuse(f"question {question.id!r} has no options")
        return form

    def repeats(self, card: Card, actor: Actor, action: str, params: Submit) -> Cell | None:
        """The same answers again."""
        return own_cell(card, "responses", actor, params.answers)

    def decide(self, card: Card, actor: Actor, action: str, params: Submit, draw: int) -> Decision:
        """Take the answers of a party."""
        form: FormData = card.data
        questions = {question.id: question for question in form.questions}
        for name in params.answers:
            if name not in questions:
                refuse(f"there is no question {name[:64]!r}", "value")
        for name, question in questions.items():
            answer = params.answers.get(name)
            if answer is None:
                if question.required:
                    refuse(f"question {name!r} needs an answer", "value")
            elif not fits(question, answer):
                refuse(f"the answer to {name!r} is not a {question.type} within its bounds", "value")
        if form.final and actor.key in card.state.cells("responses"):
            raise TrunklineError(Code.ALREADY_EXISTS, "answers to this form are final", field="value")
        merge: Literal["first", "last"] = "first" if form.final else "last"
        return Decision((Op("responses", merge, actor.key, params.answers),))


def fits(question: Question, answer: Any) -> bool:
    """Whether an answer has the type and the bounds of its question."""
    kind = question.type
    if kind == "text":
        longest = min(question.max if question.max is not None else _LONGEST_TEXT, _LONGEST_TEXT)
        return isinstance(answer, str) and (question.min or 0) <= len(answer) <= longest
    if kind == "boolean":
        return isinstance(answer, bool)
    if kind == "choice":
        return isinstance(answer, str) and answer in question.options
    if kind == "choices":
        if not isinstance(answer, list) or not all(isinstance(one, str) for one in answer):
            return False
        return len(set(answer)) == len(answer) and set(answer) <= set(question.options)
    if kind == "date":
        return isinstance(answer, int) and not isinstance(answer, bool) and 0 <= answer < 2**53
    if isinstance(answer, bool) or not isinstance(answer, int | float):
        return False
    check_finite(answer)
    low = question.min if question.min is not None else -(2.0**53)
    return low <= answer <= (question.max if question.max is not None else 2.0**53)
