"""Approvals: one after the other, or so many of a number of approvers.

``decisions`` (first): approver -> {decision, comment}. ``outcome`` (first): ``approved`` or ``rejected``; it closes
the card.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Literal

import msgspec
from msgspec import Meta, Struct

from trunkline.base.errors import Code, TrunklineError
from trunkline.domain.cards.card import Actor, Card, Decision, close_op
from trunkline.domain.cards.kinds.kind import CardKind, Note, Party, Title, refuse
from trunkline.wire.cards import Cell, Op

MAX_APPROVERS = 50


class ApprovalData(Struct):
    """What to approve, and by whom.

    ``ordered``: every approver, in this order. ``any``: ``needed`` of them, in any order (0: all).
    """

    title: Title
    approvers: Annotated[list[Party], Meta(min_length=1, max_length=MAX_APPROVERS)]
    mode: Literal["ordered", "any"] = "ordered"
    needed: Annotated[int, Meta(ge=0, le=MAX_APPROVERS)] = 1
    description: Note = ""


class Decide(Struct):
    """An approver's decision; it is final."""

    decision: Literal["approve", "reject"]
    comment: Annotated[str, Meta(max_length=1000)] = ""


class Approval(CardKind):
    """An approval."""

    name = "approval"
    data_type = ApprovalData
    actions: ClassVar[Mapping[str, type[Struct]]] = {"decide": Decide}

    def check(self, data: dict[str, Any]) -> ApprovalData:
        """Approvers differ, and there are enough of them."""
        approval: ApprovalData = self.read(data)
        if len(set(approval.approvers)) != len(approval.approvers):
            refuse("an approver is named twice")
        if approval.mode == "any" and approval.needed > len(approval.approvers):
            refuse(f"{approval.needed} approvals cannot come from {len(approval.approvers)} approvers")
        return approval

    def repeats(self, card: Card, actor: Actor, action: str, params: Decide) -> Cell | None:
        """The same decision again."""
        cell = card.state.cells("decisions").get(actor.key)
        return cell if cell is not None and cell.value and cell.value["decision"] == params.decision else None

    def event_of(self, card: Card, cell: Cell) -> dict[str, Any] | None:
        """The outcome, if that decision brought it."""
        outcome = card.state.cells("outcome").get("")
        return {"type": outcome.value} if outcome is not None and outcome.seq == cell.seq else None

    def decide(self, card: Card, actor: Actor, action: str, params: Decide, draw: int) -> Decision:
        """Record a decision, and the outcome when it is clear."""
        approval: ApprovalData = card.data
        made = card.state.cells("decisions")
        if actor.key not in approval.approvers:
            raise TrunklineError(Code.FORBIDDEN, f"{actor.party} is not an approver")
        if actor.key in made:
            raise TrunklineError(Code.ALREADY_EXISTS, "a decision is final", field="value")
        if approval.mode == "ordered" and actor.key != approval.approvers[len(made)]:
            raise TrunklineError(Code.NOT_YOUR_TURN, f"it is the turn of {approval.approvers[len(made)]}")
        value = msgspec.to_builtins(params)
        ops: tuple[Op, ...] = (Op("decisions", "first", actor.key, value),)
        outcome = self._outcome(approval, [cell.value for cell in made.values()] + [value])
        if not outcome:
            return Decision(ops)
        return Decision((*ops, Op("outcome", "first", "", outcome), close_op(outcome)), {"type": outcome}, closes=True)

    @staticmethod
    def _outcome(approval: ApprovalData, decisions: list[Any]) -> str:
        approved = sum(1 for one in decisions if one and one["decision"] == "approve")
        rejected = sum(1 for one in decisions if one and one["decision"] == "reject")
        count = len(approval.approvers)
        needed = count if approval.mode == "ordered" else approval.needed or count
        if approved >= needed:
            return "approved"
        return "rejected" if count - rejected < needed else ""
