"""Nothing crosses apps: what one tenant does cannot be told from what another tenant is told.

Two apps with the same parties, devices and conversation ids live in one store. Whatever the second does, and
even when it uses ids of the first, the first gets exactly the answers, refusals, pushes and closings that it
gets when the second does nothing.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.integration.identity.world import Disk, SocketSession, World
from tests.support.memory_directory import memory_directory
from trunkline.base.errors import TrunklineError
from trunkline.domain.identity import Caller
from trunkline.services.messages.history import Reader
from trunkline.wire.calls.apps import AppCreated
from trunkline.wire.calls.conversations import GroupCreate
from trunkline.wire.calls.messages import HistoryGet, MessageSend

PARTIES = ("user/u1", "user/u2")
DEVICES = ("phone", "tablet")
GROUPS = ("club", "team")


class Tenant:
    """One app, and all that it was answered."""

    def __init__(self, world: World, created: AppCreated) -> None:
        self.world = world
        self.created = created
        self.keys = [created.key.key]
        self.secrets = {created.key.key: created.key.secret}
        self.sessions: list[SocketSession] = []
        self.told: list[Any] = []

    async def note(self, action: Awaitable[Any]) -> Any:
        """Remember an answer or a refusal."""
        try:
            answer = await self.world.durable(action)
        except TrunklineError as error:
            self.told.append((error.code.name, error.field))
            return None
        self.told.append(msgspec.to_builtins(answer) if isinstance(answer, msgspec.Struct) else answer)
        return answer

    def transcript(self) -> str:
        """Everything it learnt. Ids that depend on how many were made before are named by their first appearance."""
        pushed = [(session.party, session.device, session.pushed, session.closed) for session in self.sessions]
        return _renamed(repr((self.told, pushed)))


def _renamed(text: str) -> str:
    names: dict[str, str] = {}
    text = re.sub(r"'secret': '[^']+'", "'secret'", text)
    return re.sub(r"\b[kag][_.]\d+\b", lambda m: names.setdefault(m[0], f"id{len(names)}"), text)


Step = Callable[[Tenant, Tenant], Awaitable[None]]


@dataclass(frozen=True)
class Act:
    """One thing a tenant does, with choices for its parameters."""

    name: str
    party: str
    other: str
    device: str
    group: str
    number: int
    foreign: bool

    async def run(self, me: Tenant, them: Tenant) -> None:
        world = me.world
        keys = (them if self.foreign else me).keys
        key = keys[self.number % len(keys)]
        own_key = me.keys[self.number % len(me.keys)]
        app = me.created.app.app
        scopes = frozenset(me.created.key.scopes)
        server = Caller(app, self.party, server=True, scopes=scopes, key=own_key)
        system = Caller(app, "bot/system", server=True, scopes=scopes, key=own_key)
        client = Caller(app, self.party, self.device, key=own_key)
        if self.name == "authenticate":
            await me.note(_who(world, key, me.secrets.get(key, "wrong"), self.party))
        elif self.name == "sign_in":
            await self.sign_in(me, own_key)
        elif self.name == "rotate":
            replaces = key if self.number % 2 else ""
            made = await me.note(world.call(system, "key.rotate", overlap_s=self.number, replaces=replaces))
            if made is not None:
                me.keys.append(made.key)
                me.secrets[made.key] = made.secret
        elif self.name == "send":
            content = msgspec.Raw(b'{"text":"%d"}' % self.number)
            if self.number % 2:
                request = MessageSend(type="text", content=content, to=self.other)
            else:
                request = MessageSend(type="text", content=content, conversation=self.group)
            await me.note(world.sender.send(client, request))
        elif self.name == "create":
            await me.note(world.groups.create(client, GroupCreate(id=self.group, members=[self.other])))
        elif self.name == "history":
            await me.note(Reader(world.engine).history(client, HistoryGet(conversation=self.group)))
        else:
            choices: dict[str, dict[str, Any]] = {
                "profile.set": {"name": f"name {self.number}", "custom": {"n": str(self.number % 3)}},
                "profile.get": {"parties": list(PARTIES)},
                "profile.search": {"text": "NAME", "limit": 2},
                "block.set": {"party": self.other, "on": self.number % 3 != 0},
                "device.revoke": {"device": self.device},
                "token.revoke": {"party": self.other} | ({"device": self.device} if self.number % 2 else {}),
                "key.revoke": {"key": key},
                "party.export": {"party": self.other},
                "party.erase": {"party": self.other},
            }
            params = choices.get(self.name, {})
            await me.note(world.call(server if self.number % 4 else client, self.name, **params))

    async def sign_in(self, me: Tenant, key: str) -> None:
        world = me.world
        try:
            _, session = await world.sign_in(key, self.party, self.device)
        except TrunklineError as error:
            me.told.append((error.code.name, error.field))
        else:
            me.sessions.append(session)


async def _who(world: World, key: str, secret: str, party: str) -> str:
    return repr((await world.authentication.authenticate_server(key, secret, party)).party)


OPERATIONS = (
    "authenticate", "sign_in", "sign_in", "rotate", "send", "send", "create", "history", "profile.set",
    "profile.get", "profile.search", "block.set", "block.list", "device.list", "device.revoke", "token.revoke",
    "key.list", "key.revoke", "party.export", "party.erase",
)  # fmt: skip
acts = st.builds(
    Act,
    name=st.sampled_from(OPERATIONS),
    party=st.sampled_from(PARTIES),
    other=st.sampled_from(PARTIES),
    device=st.sampled_from(DEVICES),
    group=st.sampled_from(GROUPS),
    number=st.integers(0, 9),
    foreign=st.booleans(),
)
plans = st.lists(st.tuples(st.booleans(), acts), min_size=1, max_size=30)


def _begin(name: str, party: str = "user/u1", number: int = 1) -> Act:
    return Act(name, party, "user/u2", "phone", "club", number, foreign=False)


PRELUDE = [
    (by_second, act)
    for by_second in (False, True)
    for act in (
        _begin("sign_in"),
        _begin("sign_in", "user/u2"),
        _begin("create"),
        _begin("send", number=2),
        _begin("profile.set"),
        _begin("block.set"),
    )
]
"""So that whatever comes next meets something in both apps."""

POSTLUDE = [
    (False, _begin(name))
    for name in (
        "authenticate", "key.list", "profile.get", "profile.search", "block.list", "device.list", "history",
        "party.export",
    )
]  # fmt: skip
"""The first tenant looks at all it has."""


async def transcripts(plan: list[tuple[bool, Act]], second_acts: bool) -> tuple[str, str]:
    """What both tenants were told, with or without what the second one does."""
    with memory_directory() as directory:
        async with Disk(Path(directory)).open() as world:
            first, second = Tenant(world, await world.create_app()), Tenant(world, await world.create_app())
            for by_second, act in PRELUDE + plan + POSTLUDE:
                if not by_second:
                    await act.run(first, second)
                elif second_acts:
                    await act.run(second, first)
                world.clock.move(1)
            await world.everything_projected()
            return first.transcript(), second.transcript()


@pytest.mark.timeout(240)  # shrinking a failure takes a while
@settings(max_examples=40)
@given(plans)
def test_one_tenant_cannot_tell_what_another_does(plan: list[tuple[bool, Act]]) -> None:
    alone, _ = asyncio.run(transcripts(plan, second_acts=False))
    together, _ = asyncio.run(transcripts(plan, second_acts=True))
    assert together == alone


def test_a_tenant_that_uses_ids_of_another_is_refused() -> None:
    def act(name: str, *, foreign: bool, number: int = 0) -> Act:
        return Act(name, "user/u1", "user/u2", "phone", "club", number, foreign)

    plan = [
        (True, act("authenticate", foreign=True)),
        (True, act("key.revoke", foreign=True, number=1)),
        (True, act("rotate", foreign=True, number=1)),
        (True, act("token.revoke", foreign=False, number=3)),
        (False, act("authenticate", foreign=False)),
        (False, act("device.list", foreign=False)),
    ]
    first, second = asyncio.run(transcripts(plan, second_acts=True))
    expected = ["SECRET_WRONG", "NOT_FOUND", "NOT_FOUND"]
    assert re.findall(r"\('([A-Z_]+)', '\w*'\)", second) == expected
    assert re.findall(r"\('([A-Z_]+)', '\w*'\)", first) == []
    assert "'online': True" in first
