"""R27: red packets are claimed by everybody at once while the server is killed with SIGKILL, again and again.

Claims sum to the amount, nobody claims twice, what is left is refunded exactly, and every answer is what the log says.
The judge here knows nothing of how cards are implemented: it reads the entries and adds up.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import msgspec

from tests.claims.context import Context
from tests.claims.raw_link import RawLink
from tests.claims.report import ScenarioReport
from tests.claims.world import World
from trunkline.base.errors import Retry
from trunkline.client import RequestFailed
from trunkline.wire.calls.cards import CardActed, CardView
from trunkline.wire.calls.messages import MessageSent
from trunkline.wire.entries import EntryView

_CONV = "g.r27"
_PACKETS_AT_ONCE = 5
_PATIENCE_S = 60.0
_DEFINITE = {"nothing_left", "card_closed"}


@dataclass
class Packet:
    """A red packet and every answer to a claim of it."""

    seq: int
    amount: int
    shares: int
    split: str
    answers: dict[str, list[CardActed]] = field(default_factory=dict)
    refused: Counter[str] = field(default_factory=Counter)


class Caller:
    """One party on one connection, which it opens again whenever it breaks, and asks until it is told."""

    def __init__(self, world: World, party: str, device: str) -> None:
        self._world = world
        self.party = party
        self._device = device
        self._outbox = f"{party.replace('/', '-')}-{device}"
        self._n = 0
        self._link: RawLink | None = None
        self._opening = asyncio.Lock()

    async def _connected(self) -> RawLink:
        async with self._opening:
            while self._link is None or self._link.socket is None or self._link.socket.ended.done():
                try:
                    token = self._world.server.token(self.party)
                    link = await RawLink.connect(self._world.url, token, self._device, self._outbox)
                    await self.opened(link)
                    self._link = link
                except (OSError, RequestFailed, TimeoutError):
                    await asyncio.sleep(0.05)
            return self._link

    async def opened(self, link: RawLink) -> None:
        """A connection was opened; what has to happen first on each of them."""

    async def ask(self, method: str, shape: type[Any], **params: Any) -> Any:
        """The definite answer to a request, under one id however often it is asked.

        Raises:
            RequestFailed: a definite refusal.
        """
        self._n += 1
        return await self.repeat(method, shape, **params, outbox=self._outbox, n=self._n)

    async def repeat(self, method: str, shape: type[Any], **params: Any) -> Any:
        """The definite answer to a request that is safe to repeat.

        Raises:
            RequestFailed: a definite refusal.
        """
        async with asyncio.timeout(_PATIENCE_S):
            while True:
                link = await self._connected()
                assert link.socket is not None
                try:
                    return await link.socket.call(method, params, shape, timeout_s=10)
                except RequestFailed as refused:
                    if refused.retry is Retry.NEVER:
                        raise
                    await asyncio.sleep(max(refused.retry_ms or 0, 5) / 1000)

    async def read(self, method: str, shape: type[Any], **params: Any) -> Any:
        """Ask a question."""
        link = await self._connected()
        assert link.socket is not None
        return await link.socket.call(method, params, shape, timeout_s=10)

    async def close(self) -> None:
        """Disconnect."""
        if self._link is not None:
            await self._link.close()


async def run(ctx: Context) -> ScenarioReport:
    """Rounds of red packets that all parties claim at once, with kills spread over the claims."""
    people, rounds, kills = ctx.size(short=(20, 4, 3), full=(125, 16, 30))
    claims = people * rounds * _PACKETS_AT_ONCE
    report = ScenarioReport("R27", f"{claims:,} racing claims, {kills} kills", fault_kinds="SIGKILL of the server")
    async with World(ctx, report, config={"limits": {"link_rate": 0}}) as world:
        owner = await world.device("user/owner")
        parties = [f"user/u{number}" for number in range(people)]
        maker = Caller(world, "user/maker", "phone")
        await world.group(_CONV, owner, [*parties, maker.party])
        callers = {party: [Caller(world, party, "phone"), Caller(world, party, "tablet")] for party in parties}
        race = _Race(world, callers, report, kills, claims)
        killer = asyncio.create_task(race.kill())
        packets: list[Packet] = []
        for number in range(rounds):
            made = [await _make(maker, ctx.rng("packet", number, i), people) for i in range(_PACKETS_AT_ONCE)]
            packets += made
            await race.claim_all(made)
        await killer
        await _ended(maker, packets)
        before = await _views(maker, packets)
        await world.server.restart()
        report.check("the states after a restart equal those before", await _views(maker, packets) == before)
        log = await world.read_log(_CONV)
        _judge(report, packets, log, before)
        report.n = sum(len(packet.answers) + sum(packet.refused.values()) for packet in packets)
        report.check("every claim has a definite answer", report.n == claims, f"{report.n} of {claims}")
        for caller in [maker, *(one for both in callers.values() for one in both)]:
            await caller.close()
    return report


class _Race:
    """Everybody against everybody, and against the one who kills the server."""

    def __init__(
        self, world: World, callers: dict[str, list[Caller]], report: ScenarioReport, kills: int, claims: int
    ) -> None:
        self._world = world
        self._callers = callers
        self._report = report
        self._kills = kills
        self._claims = claims
        self._answered = 0
        self._more = asyncio.Event()

    async def claim_all(self, packets: list[Packet]) -> None:
        """Every party claims every packet, in an order of its own."""
        async with asyncio.TaskGroup() as group:
            for party, callers in self._callers.items():
                group.create_task(self._claim_some(party, callers, packets))

    async def _claim_some(self, party: str, callers: list[Caller], packets: list[Packet]) -> None:
        rng = self._world.ctx.rng(party, packets[0].seq)
        for packet in rng.sample(packets, len(packets)):
            # Now and then from both devices at once: two different requests, one claim.
            on = callers if rng.random() < 0.2 else [rng.choice(callers)]
            outcomes = await asyncio.gather(*(self._claim(caller, packet) for caller in on))
            given = [outcome for outcome in outcomes if isinstance(outcome, CardActed)]
            if given:
                packet.answers[party] = given
                if len(given) < len(outcomes):
                    self._report.check("both devices of a party are told the same", False, f"{party} at {packet.seq}")
            else:
                packet.refused[str(outcomes[0])] += 1
            self._answered += 1
            self._more.set()

    async def _claim(self, caller: Caller, packet: Packet) -> CardActed | str:
        began_s = time.monotonic()
        try:
            done: CardActed = await caller.ask(
                "card.act", CardActed, conversation=_CONV, seq=packet.seq, action="claim", value={}
            )
        except RequestFailed as refused:
            if refused.name not in _DEFINITE:
                raise
            return refused.name
        self._report.latency_ms.append((time.monotonic() - began_s) * 1000)
        return done

    async def kill(self) -> None:
        """Kill the server in the middle of claims, evenly over all of them, and start it again."""
        rng = self._world.ctx.rng("kills")
        step = self._claims / (self._kills + 1)
        for number in range(self._kills):
            due = int(step * (number + rng.uniform(0.5, 1)))
            while self._answered < due:
                self._more.clear()
                await self._more.wait()
            await self._world.server.kill()
            self._report.faults += 1
            await self._world.server.start()
            self._report.recovery_s.append(time.monotonic() - self._world.server.started_at_s)


async def _make(maker: Caller, rng: random.Random, people: int) -> Packet:
    shares = rng.randint(1, 2 * people)
    amount = shares + rng.choice([0, rng.randint(0, 500), rng.randint(0, 10**9)])
    split = rng.choice(["equal", "random"])
    data = {"amount": amount, "shares": shares, "split": split, "currency": "CNY"}
    open_ms = rng.randint(2_000, 8_000)
    sent: MessageSent = await maker.ask(
        "card.create", MessageSent, conversation=_CONV, kind="red_packet", data=data, closes_in_ms=open_ms
    )
    return Packet(sent.seq, amount, shares, split)


async def _ended(maker: Caller, packets: Iterable[Packet]) -> None:
    """Wait until every packet is closed."""
    async with asyncio.timeout(30):
        for packet in packets:
            while not (await _view(maker, packet)).closed:
                await asyncio.sleep(0.05)


async def _view(maker: Caller, packet: Packet) -> CardView:
    found: CardView = await maker.read("card.get", CardView, conversation=_CONV, seq=packet.seq)
    return found


async def _views(maker: Caller, packets: Iterable[Packet]) -> list[dict[str, Any]]:
    return [msgspec.to_builtins(await _view(maker, packet)) for packet in packets]


def _judge(report: ScenarioReport, packets: list[Packet], log: list[EntryView], views: list[dict[str, Any]]) -> None:
    wrong: dict[str, list[int]] = {
        name: []
        for name in (
            "claims and refund sum to the amount",
            "nobody claims twice",
            "every share is at least 1 and numbered once",
            "a packet ends once",
            "every answer is what the log says",
            "nobody is in the log who was refused",
            "nothing was left only when all shares were claimed",
            "the state is what the log adds up to",
        )
    }
    refunded = claimed = 0
    for packet, view in zip(packets, views, strict=True):
        entries = [e for e in log if e.target == packet.seq and e.type == "card.changed"]
        events = [(e, e.content["event"]) for e in entries if e.content]
        claims = [(e, event) for e, event in events if event["type"] == "claimed"]
        refunds = [event["amount"] for _, event in events if event["type"] == "refunded"]
        total = sum(event["amount"] for _, event in claims)
        closings = [e for e in entries if e.content and e.content.get("closes")]
        by_party = {event["party"]: (e.seq, event["amount"]) for e, event in claims}
        answered = {
            party: {(a.seq, (a.event or {})["amount"]) for a in given} for party, given in packet.answers.items()
        }
        judged = {
            "claims and refund sum to the amount": total + sum(refunds) == packet.amount,
            "nobody claims twice": len(by_party) == len(claims) and all(e.sender == ev["party"] for e, ev in claims),
            "every share is at least 1 and numbered once": all(event["amount"] >= 1 for _, event in claims)
            and [event["share"] for _, event in claims] == list(range(len(claims)))
            and len(claims) <= packet.shares,
            "a packet ends once": len(closings) == 1
            and closings[0] is entries[-1]
            and len(refunds) == (len(claims) < packet.shares),
            "every answer is what the log says": answered == {party: {at} for party, at in by_party.items()},
            "nobody is in the log who was refused": len(by_party) == len(packet.answers),
            "nothing was left only when all shares were claimed": not packet.refused["nothing_left"]
            or len(claims) == packet.shares,
            "the state is what the log adds up to": view["summary"]["claims"]
            == {party: amount for party, (_, amount) in by_party.items()}
            and (view["summary"]["refunded"], view["summary"]["left"]["amount"]) == (sum(refunds), 0),
        }
        for name, holds in judged.items():
            if not holds:
                wrong[name].append(packet.seq)
        claimed += len(claims)
        refunded += len(refunds)
    for name, seqs in wrong.items():
        report.check(name, not seqs, f"not so for {len(seqs)} of {len(packets)} packets, first at {seqs[:3]}")
    report.check("the sizes exercise both ends", 0 < refunded < len(packets), f"{refunded} of {len(packets)} refunded")
    report.notes.append(f"{claimed:,} claims got a share; {refunded} of {len(packets)} packets were refunded in part.")
