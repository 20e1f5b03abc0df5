"""Who may call what: every audience against every kind of caller."""

from __future__ import annotations

import pytest

from trunkline.base.errors import Code, TrunklineError
from trunkline.domain.identity import Caller
from trunkline.services.access import OPERATOR, check_access
from trunkline.services.operation import Audience, Operation
from trunkline.wire.frames import EmptyResult

SERVER = Caller("a_1", "bot/system", server=True, scopes=frozenset({"messages"}))
ACTING = Caller("a_1", "guest/g1", server=True, scopes=frozenset({"messages"}))
WEAK = Caller("a_1", "bot/system", server=True, scopes=frozenset({"keys"}))
USER = Caller("a_1", "user/u1", "phone")
GUEST = Caller("a_1", "guest/g1", "phone")
BOT = Caller("a_1", "bot/helper", "host")

F, G, S = Code.FORBIDDEN, Code.GUEST_FORBIDDEN, Code.SCOPE_MISSING


async def run(caller: Caller, request: object) -> EmptyResult:
    return EmptyResult()


@pytest.mark.parametrize(
    ("audience", "expected"),
    [
        (Audience.EVERYONE, [None, None, S, None, None, None, F]),
        (Audience.PARTIES, [None, None, S, None, G, None, F]),
        (Audience.SERVERS, [None, None, S, F, F, F, F]),
        (Audience.OPERATOR, [F, F, F, F, F, F, None]),
    ],
)
def test_audiences(audience: Audience, expected: list[Code | None]) -> None:
    operation = Operation("x.do", EmptyResult, EmptyResult, run, "messages", "", audience)
    got: list[Code | None] = []
    for caller in (SERVER, ACTING, WEAK, USER, GUEST, BOT, OPERATOR):
        try:
            check_access(caller, operation)
            got.append(None)
        except TrunklineError as error:
            got.append(error.code)
    assert got == expected


def test_an_operation_without_scope_needs_none() -> None:
    check_access(WEAK, Operation("x.do", EmptyResult, EmptyResult, run, "", ""))
