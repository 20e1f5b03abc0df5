"""R28: webhooks reach a receiver that fails 30 % of the time, while the server is killed with SIGKILL, again and again.

Every accepted message arrives at least once, in order per conversation, and every request is signed so that the
official library of Standard Webhooks accepts it. The judge knows nothing of cursors: it has the answers to the sends,
and what the receiver took.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections import defaultdict
from itertools import pairwise
from typing import Any

import httpx

from tests.claims.context import Context
from tests.claims.report import ScenarioReport
from tests.claims.server_process import ServerProcess
from tests.support.webhook_receiver import Receiver

_FAILING = 0.3
_TAKEN_BUT_DENIED = 0.05
_BATCH = 50
_PATIENCE_S = 120.0
_CONFIG: dict[str, dict[str, object]] = {
    "webhooks": {
        "allow_networks": ["127.0.0.0/8"],
        "allow_http": True,
        "first_retry_s": 0.02,
        "longest_retry_s": 0.2,
        "in_flight": 64,
    },
    "limits": {"key_rate": 0, "party_rate": 0},
}


class _Arrivals:
    """What the receiver was sent; it refuses 30 %, and denies some of what it took."""

    def __init__(self, rng: Any) -> None:
        self._rng = rng
        self.taken: defaultdict[str, list[int]] = defaultdict(list)
        self.seen: set[tuple[str, int]] = set()
        self.texts: dict[tuple[str, int], str] = {}
        self.refused = 0
        self.repeats = 0

    def decide(self, event: dict[str, Any]) -> tuple[int, Any]:
        roll = self._rng.random()
        if roll < _FAILING - _TAKEN_BUT_DENIED:
            self.refused += 1
            return 503, None
        entry = event["data"]["entry"]
        place = (event["conversation"], entry["seq"])
        self.repeats += place in self.seen
        self.seen.add(place)
        self.texts[place] = entry["content"]["text"]
        self.taken[event["conversation"]].append(entry["seq"])
        if roll < _FAILING:
            self.refused += 1
            return 500, None
        return 204, None


async def run(ctx: Context) -> ScenarioReport:
    """Send, kill, start; then wait until all has arrived."""
    count, conversations, kills = ctx.size(short=(1_500, 30, 2), full=(100_000, 500, 10))
    report = ScenarioReport(
        "R28", f"webhooks to a receiver that fails 30 %, {kills} kills", fault_kinds="SIGKILL of the server; HTTP 503"
    )
    arrivals = _Arrivals(ctx.rng("R28", "receiver"))
    server = ServerProcess(ctx.directory / "run", config=_CONFIG)
    with Receiver(arrivals.decide) as receiver:
        async with server:
            await server.create_app()
            auth = (server.key, server.secret)
            async with httpx.AsyncClient(base_url=server.url, auth=auth, timeout=10) as api:
                made = await api.post("/v1/webhooks", json={"url": receiver.url(), "events": ["message.created"]})
                receiver.secrets["hook"] = made.raise_for_status().json()["secret"]
                accepted: dict[tuple[str, int], str] = {}
                sending = asyncio.create_task(_send(api, count, conversations, accepted))
                start_s = time.monotonic()
                for number in range(kills):
                    # Spread over the sending and the delivering: what arrived decides, not the clock.
                    await _until(lambda number=number: len(arrivals.seen) >= count * (number + 1) // (kills + 2))
                    await server.kill()
                    report.faults += 1
                    await server.start()
                    report.recovery_s.append(await _arrives(arrivals))
                await sending
                await _until(lambda: accepted.keys() <= arrivals.seen)
                took_s = time.monotonic() - start_s
                backlog = (await api.get(f"/v1/webhooks/{made.json()['webhook']}/backlog")).json()
    report.n = len(accepted)
    _judge(report, accepted, arrivals, receiver, count)
    report.check("nothing was skipped", backlog.get("skipped", 0) == 0, str(backlog))
    report.notes.append(
        f"{arrivals.refused:,} attempts refused, {arrivals.repeats:,} repeats of what had been taken; "
        f"{report.n / took_s:,.0f} events/s on average, outages, failures and signature checks included."
    )
    return report


def _judge(
    report: ScenarioReport,
    accepted: dict[tuple[str, int], str],
    arrivals: _Arrivals,
    receiver: Receiver,
    count: int,
) -> None:
    missing = [place for place in accepted if place not in arrivals.seen]
    other = [place for place, text in accepted.items() if arrivals.texts.get(place, text) != text]
    report.check("every accepted message arrived", not missing, f"{len(missing)} missing")
    report.check("with the text that was sent", not other, f"{len(other)} differ")
    report.check("as many as were to be sent", len(accepted) == count, f"{len(accepted)} of {count}")
    disordered = 0
    for taken in arrivals.taken.values():
        firsts: list[int] = list(dict.fromkeys(taken))
        disordered += firsts != sorted(firsts)
        # A stretch may be repeated after a crash, but it is repeated in order and without gaps.
        disordered += any(later > earlier + 1 and later not in taken[:at] for at, (earlier, later) in _steps(taken))
    report.check("in order in every conversation", disordered == 0, f"{disordered} conversations are not")
    report.check("every signature was valid", receiver.forged == 0, f"{receiver.forged} were not")
    report.check("the receiver did fail", arrivals.refused > 0.2 * count, f"{arrivals.refused}")


def _steps(taken: list[int]) -> list[tuple[int, tuple[int, int]]]:
    # Entry 1 is the creation; the messages are all that follows.
    return [(at + 1, pair) for at, pair in enumerate(pairwise(taken))]


async def _send(api: httpx.AsyncClient, count: int, conversations: int, accepted: dict[tuple[str, int], str]) -> None:
    """Send ``count`` messages, batch by batch, each under one idempotency key until it is answered."""
    for first in range(0, count, _BATCH):
        numbers = range(first, min(first + _BATCH, count))
        messages = [
            {"to": f"user/u{number % conversations}", "type": "text", "content": {"text": f"m{number}"}}
            for number in numbers
        ]
        answer = None
        async with asyncio.timeout(_PATIENCE_S):
            while answer is None or answer.status_code != 200:
                with contextlib.suppress(httpx.HTTPError):
                    answer = await api.post(
                        "/v1/messages/bulk", json={"messages": messages}, headers={"Idempotency-Key": f"r28-{first}"}
                    )
                if answer is None or answer.status_code != 200:
                    await asyncio.sleep(0.05)
        for number, result in zip(numbers, answer.json()["results"], strict=True):
            sent = result["sent"]
            accepted[sent["conversation"], sent["seq"]] = f"m{number}"


async def _arrives(arrivals: _Arrivals) -> float:
    """Seconds until the next event arrives."""
    before, start_s = sum(map(len, arrivals.taken.values())), time.monotonic()
    await _until(lambda: sum(map(len, arrivals.taken.values())) > before)
    return time.monotonic() - start_s


async def _until(condition: Any) -> None:
    async with asyncio.timeout(_PATIENCE_S * 4):
        while not condition():
            await asyncio.sleep(0.02)
