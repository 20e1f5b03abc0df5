"""R13: the process with the SDK is killed at each fault point between persist, send, ack, apply and cursor."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sqlite3
import sys
from pathlib import Path

import msgspec

from tests.claims.context import Context
from tests.claims.device import Device
from tests.claims.report import ScenarioReport
from tests.claims.sdk_child import NOT_REACHED, Plan
from tests.claims.world import World
from trunkline.base.faultpoints import FaultPoint
from trunkline.domain.history import Recv, decode_lines

_CONV = "g.r13"
_ROOT = Path(__file__).resolve().parents[3]
POINTS = [point for point in FaultPoint if point.value.startswith("sdk.")]


async def run(ctx: Context) -> ScenarioReport:
    """One device, many lives, on one store."""
    numbers = ctx.size(short=(2,), full=(1, 2, 3, 5, 8))
    report = ScenarioReport("R13", "SDK killed at each of its fault points", fault_kinds="SIGKILL of the client")
    async with World(ctx, report, config={"limits": {"link_rate": 0}}) as world:
        peer = await world.device("user/peer")
        await world.group(_CONV, peer, ["user/mortal"])
        dev = Device(world.url, lambda: world.server.token("user/mortal"), "user/mortal", "d1")
        directory = world.directory
        plan = Plan(
            url=world.url,
            token=world.server.token("user/mortal"),
            dev=dev.dev,
            device="d1",
            store=str(directory / "mortal.db"),
            history=str(directory / "mortal.jsonl"),
            persisted=str(directory / "mortal.persisted"),
            conv=_CONV,
            first=1,
            sends=8,
            epoch=(await world.read_log(_CONV))[0].epoch,
        )
        talking = asyncio.create_task(_talk(peer))
        reached = dict.fromkeys(POINTS, 0)
        for number in numbers:
            for point in POINTS:
                plan.point, plan.number = point.value, number
                code = await _live(plan, directory)
                if code == NOT_REACHED and number > 1:  # what comes in batches is passed once in a short life
                    plan.first += plan.sends
                    plan.number = 1
                    code = await _live(plan, directory)
                if code == -signal.SIGKILL:
                    reached[point] += 1
                    report.faults += 1
                elif code != NOT_REACHED:
                    report.check(f"life to {point.value} ends as planned", False, f"exit code {code}")
                plan.first += plan.sends
        talking.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await talking
        await peer.settled()
        plan.point = ""
        code = await _live(plan, directory)
        report.check("the last life sends and receives everything", code == 0, f"exit code {code}")
        dev.events += decode_lines(Path(plan.history).read_bytes().splitlines(keepends=True))
        dev.events += _received(plan)
        world.devices.append(dev)
        await world.judge()
        log = {entry.content["text"] for entry in await world.read_log(_CONV) if entry.type == "text"}
        promised = [line.split()[0] for line in Path(plan.persisted).read_text().splitlines()]
        lost = [send_id for send_id in promised if send_id not in log]
        report.check(
            "every message that was persisted was sent", not lost, f"{len(promised)} persisted, {len(lost)} lost"
        )
        missed = [point.value for point, count in reached.items() if count == 0]
        report.check(
            "every point named in the SDK was died at", not missed, ", ".join(missed) or f"{len(POINTS)} points"
        )
    return report


async def _talk(peer: Device) -> None:
    """Keep messages coming, so that every part of receiving is reached."""
    while True:
        await peer.send(_CONV)
        await asyncio.sleep(0.02)


async def _live(plan: Plan, directory: Path) -> int:
    """Run one life; returns its exit code."""
    path = directory / "plan.json"
    path.write_bytes(msgspec.json.encode(plan))
    with (directory / "mortal.log").open("ab") as log:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "tests.claims.sdk_child",
            str(path),
            cwd=_ROOT,
            stdout=log,
            stderr=log,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(("src", "."))},
        )
        try:
            return await asyncio.wait_for(process.wait(), 40)
        except TimeoutError:
            process.kill()
            return await process.wait()


def _received(plan: Plan) -> list[Recv]:
    """Read the application's own table: what its callbacks amounted to."""
    with contextlib.closing(sqlite3.connect(plan.store)) as db:
        rows = db.execute("SELECT conv, seq, id, t, epoch FROM app_recv ORDER BY rowid").fetchall()
    return [Recv(plan.dev, conv, seq, send_id, t, epoch) for conv, seq, send_id, t, epoch in rows]
