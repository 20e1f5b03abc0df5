"""States of cards in memory: bounded, never behind what was decided, and right again after a failed disk."""

from __future__ import annotations

import asyncio
import errno
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.integration.cards.acts import PACKET, POLL
from tests.integration.identity.world import Disk, World
from trunkline.base.errors import Code, TrunklineError
from trunkline.crypto.draws import CardSecrets
from trunkline.domain.identity import Caller
from trunkline.services.cards import states as states_module
from trunkline.services.cards.acting import Acting
from trunkline.services.cards.people import CardSender
from trunkline.services.cards.reading import CardReader
from trunkline.services.cards.states import CardStates
from trunkline.services.log.reading import read_entry
from trunkline.wire.calls.cards import CardAct, CardActed, CardCreate, CardGet, CardView
from trunkline.wire.calls.conversations import ConversationRef, GroupCreate

PEOPLE = [f"user/u{number}" for number in range(40)]


class Cards:
    """The services of cards on a store."""

    def __init__(self, world: World, max_cards: int = 3) -> None:
        self.world = world
        self.states = CardStates(world.engine, max_cards=max_cards)
        self.acting = Acting(world.engine, CardSender(world.engine), self.states, CardSecrets(b"k" * 32))
        self.reader = CardReader(world.engine, self.acting)

    async def group(self) -> None:
        await self.world.durable(self.world.groups.create(caller("user/maker"), GroupCreate(id="g", members=PEOPLE)))

    async def create(self, kind: str = "poll", data: dict[str, Any] = POLL) -> int:
        request = CardCreate(kind=kind, data=data, conversation="g")
        return (await self.world.durable(self.acting.create(caller("user/maker"), request))).seq

    async def claim(self, party: str, seq: int) -> CardActed:
        return await self.acting.act(caller(party), CardAct(conversation="g", seq=seq, action="claim"))

    async def vote(self, party: str, seq: int, choice: int = 0) -> CardActed:
        request = CardAct(conversation="g", seq=seq, action="vote", value={"choices": [choice]})
        return await self.acting.act(caller(party), request)

    async def card(self, seq: int) -> CardView:
        return await self.reader.get(caller("user/maker"), CardGet("g", seq))


def caller(party: str) -> Caller:
    return Caller("a_1", party, "phone", key="k")


@contextmanager
def slow_disk(world: World) -> Iterator[None]:
    """Nothing becomes durable inside."""
    through = threading.Event()

    def wait(_operation: str) -> None:
        through.wait(30)

    world.io.before_each(wait)
    try:
        yield
    finally:
        world.io.before_each(None)
        through.set()


@pytest.fixture
async def cards(tmp_path: Path) -> AsyncIterator[Cards]:
    async with Disk(tmp_path).open() as world:
        made = Cards(world)
        await made.group()
        yield made


async def test_states_in_memory_are_bounded_and_evicted_ones_come_back(cards: Cards) -> None:
    seqs = [await cards.create() for _ in range(10)]
    for round in range(3):
        for seq in seqs:
            await cards.vote(PEOPLE[round], seq)
            await cards.world.engine.commits.settled()
            assert len(cards.states) <= 3
    for seq in seqs:
        assert (await cards.card(seq)).summary == {"votes": [3, 0], "voters": 3}


async def test_what_is_not_durable_is_never_evicted(cards: Cards) -> None:
    seqs = [await cards.create() for _ in range(6)]
    for seq in seqs:
        await cards.vote("user/u1", seq)
    await cards.world.engine.commits.settled()
    with slow_disk(cards.world):
        await asyncio.gather(*(cards.vote("user/u2", seq) for seq in seqs))
        kept = [cards.states.get("a_1", "g", seq) for seq in seqs]
    assert all(kept), "six are kept though three are allowed"
    await cards.world.engine.commits.settled()
    await cards.create()
    await cards.vote("user/u3", seqs[0])
    for seq in seqs:
        assert (await cards.card(seq)).summary["voters"] >= 2


async def test_who_goes_away_while_a_card_is_loaded_takes_nobody_along(
    cards: Cards, monkeypatch: pytest.MonkeyPatch
) -> None:
    seqs = [await cards.create() for _ in range(5)]
    evicted = seqs[0]
    assert cards.states.get("a_1", "g", evicted) is None
    reading, may_read = asyncio.Event(), asyncio.Event()

    async def held(*arguments: Any) -> Any:
        reading.set()
        await may_read.wait()
        return await read_entry(*arguments)

    monkeypatch.setattr(states_module, "read_entry", held)
    votes = [asyncio.create_task(cards.vote(party, evicted)) for party in PEOPLE[:4]]
    await reading.wait()
    votes[0].cancel()
    await asyncio.wait([votes[0]])
    may_read.set()
    async with asyncio.timeout(30):
        await asyncio.gather(*votes[1:])
        await cards.world.engine.commits.settled()
    assert (await cards.card(evicted)).summary["voters"] == 3


async def test_many_at_once_never_share_a_share(cards: Cards) -> None:
    seq = await cards.create("red_packet", {"amount": 1000, "shares": 25})
    claims = await asyncio.gather(*(cards.claim(p, seq) for p in PEOPLE for _ in (1, 2)), return_exceptions=True)
    await cards.world.engine.commits.settled()
    given = [done for done in claims if isinstance(done, CardActed)]
    assert len({done.seq for done in given}) == 25
    refusals = {done.code for done in claims if isinstance(done, TrunklineError)}
    assert len(given) + sum(isinstance(done, TrunklineError) for done in claims) == 80
    assert refusals <= {Code.NOTHING_LEFT, Code.CARD_CLOSED}
    view = await cards.card(seq)
    assert (view.summary["claimed"], len(view.summary["claims"]), view.closed) == (1000, 25, "finished")


async def test_claims_that_were_not_written_never_happened(cards: Cards) -> None:
    seq = await cards.create("red_packet", {"amount": 100, "shares": 10, "split": "equal"})
    await cards.world.durable(cards.claim("user/u0", seq))
    cards.world.io.fail_write(errno.ENOSPC)
    for party in PEOPLE[1:4]:
        await cards.claim(party, seq)
    with pytest.raises(TrunklineError) as caught:
        await cards.world.engine.commits.settled()
    assert caught.value.code is Code.DISK_FULL
    assert (await cards.card(seq)).summary["claims"] == {"user/u0": 10}
    for party in reversed(PEOPLE[1:10]):
        await cards.world.durable(cards.claim(party, seq))
    view = await cards.card(seq)
    assert (view.summary["claimed"], view.closed) == (100, "finished")
    shares = [cell.value["share"] for cell in view.state.cells("claims").values()]
    assert sorted(shares) == list(range(10)), "no share was given twice or lost"


async def test_a_packet_in_a_dismissed_group_refunds_all_the_same(cards: Cards) -> None:
    world = cards.world
    seq = await cards.create("red_packet", PACKET)
    won = (await world.durable(cards.claim("user/u0", seq))).event
    poll = await cards.create()
    assert not await cards.acting.expire("a_1", "g", seq), "its time is not up"
    await world.durable(world.groups.dismiss(caller("user/maker"), ConversationRef("g")))
    world.clock.move(2 * 86_400)
    await world.everything_projected()
    due = await world.engine.index.expiring(world.clock.now_ms(), 10)
    assert [row[2] for row in due] == [seq], "a poll without a time never ends by itself"
    assert await cards.acting.expire("a_1", "g", seq)
    assert not await cards.acting.expire("a_1", "g", seq)
    await world.everything_projected()
    assert await world.engine.index.expiring(world.clock.now_ms(), 10) == []
    server = Caller("a_1", "bot/system", server=True)
    view = await cards.reader.get(server, CardGet("g", seq))
    assert won is not None
    assert view.summary["refunded"] == PACKET["amount"] - won["amount"]
    with pytest.raises(TrunklineError) as caught:
        await cards.vote("user/u1", poll)
    assert caught.value.code is Code.DISMISSED
