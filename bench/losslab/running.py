"""Runs: rooms of two on one server behind one emulated network, several at a time, each with its own impairment.

Not here: which runs make the report (``__main__``), what is counted (``scores``, ``pictures``).
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from livekit import rtc

from bench.losslab import scores
from bench.losslab.cases import Case, Outcome
from bench.losslab.clients import Client
from bench.losslab.impairment import CLEAN, Impairment
from bench.losslab.relay import RemoteRelay
from bench.losslab.speech import Said, Samples
from tests.integration.live.person import live_token
from tests.integration.rest.running import App, serving

WITHOUT = {"LIVE__REDUNDANCY": "0", "LIVE__RECOVERY": "false"}
"""The server without our recovery: it forwards, answers NACKs once, and reports to publishers what arrived."""
WARM_UP_S = 5.0
VIDEO = (640, 360)
FPS = 20


@dataclass(slots=True)
class Lab:
    """A server behind an emulated network."""

    app: App
    relay: RemoteRelay

    async def join(self, client: Client, room: str, up: Impairment = CLEAN, down: Impairment = CLEAN) -> Client:
        """A client joins; joins come one after the other, so that the relay can tell who is new."""
        self.relay.expect(client.name, up, down)
        url = self.app.server.url.replace("http", "ws", 1)
        return await client.join(url, live_token(self.app, client.name, room))


@asynccontextmanager
async def lab(seed: int, settings: dict[str, str]) -> AsyncIterator[Lab]:
    """Run a server that names the emulated network as its address."""
    relay = RemoteRelay(seed)
    with tempfile.TemporaryDirectory() as directory:
        options = {"LIVE__ENABLED": "true", "LIVE__ADDRESSES": "127.0.0.1", "LIVE__TCP": "false"} | settings
        options["LIVE__ADVERTISED_PORT"] = str(relay.port)
        with serving(Path(directory), **options) as server:
            relay.serve(int(server.url.rpartition(":")[2]))
            try:
                yield Lab(server.create_app(), relay)
            finally:
                relay.close()


async def eventually(condition: Callable[[], bool], what: str, timeout_s: float = 30.0) -> None:
    """Wait for a condition."""
    deadline = time.monotonic() + timeout_s
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError(what)
        await asyncio.sleep(0.05)


Prepare = Callable[[Client], Awaitable[None]]


async def _pair(lab: Lab, case: Case, prepare: Prepare, ready: Callable[[Client], bool]) -> tuple[Client, Client]:
    """Two clients in a room, and the impairment on."""
    ann, bob = Client(f"ann {case.name}"), Client(f"bob {case.name}")
    up, down = (case.up, case.up if case.back else CLEAN), (case.down if case.back else CLEAN, case.down)
    early = not case.joined
    await lab.join(ann, case.name, *(up if early else ()))
    await prepare(ann)
    await lab.join(bob, case.name, *(down if early else ()))
    await eventually(lambda: ready(bob), f"{case.name}: the first media")
    if case.joined:
        lab.relay.impair(ann.name, *up)
        lab.relay.impair(bob.name, *down)
    return ann, bob


async def speech(lab: Lab, cases: list[Case], whole: Samples, parts: list[Said]) -> list[Outcome]:
    """Everybody's publisher says the same; what every subscriber hears is scored."""
    outcomes, rooms = [], []
    for case in cases:
        outcome = Outcome(case)
        outcomes.append(outcome)
        sources: list[rtc.AudioSource] = []

        async def prepare(client: Client, sources: list[rtc.AudioSource] = sources) -> None:
            source = await client.microphone()
            sources.append(source)
            await client.say(source, whole[: 16_000 // 5])

        try:
            ann, bob = await _pair(lab, case, prepare, lambda bob: bool(bob._tracks))
        except (TimeoutError, Exception) as error:  # noqa: BLE001 - a join that fails is a result
            outcome.failed = f"{type(error).__name__}: {error}"
            continue
        rooms.append((outcome, ann, bob, sources[0]))
    before = [await bob.statistics("audio") for _, _, bob, _ in rooms]
    for _, _, bob, _ in rooms:
        bob.recording = True
    await asyncio.gather(*(ann.say(source, whole) for _, ann, _, source in rooms))
    await asyncio.sleep(1.0)
    for (outcome, ann, bob, _), first in zip(rooms, before, strict=True):
        bob.recording = False
        last = await bob.statistics("audio")
        await asyncio.gather(ann.leave(), bob.leave())
        heard = bob.recorded()
        if len(heard) < len(whole) // 2:
            outcome.failed = f"only {len(heard) / 16_000:.0f} s were heard ({', '.join(bob.events + ann.events)})"
            continue
        found = await asyncio.to_thread(scores.score, whole, parts, heard)
        counts = {name: last.get(name, 0) - first.get(name, 0) for name in last}
        emitted = max(counts.get("jitter_buffer_emitted_count", 0), 1)
        outcome.values = {
            "stoi": found.stoi,
            "pesq": found.pesq,
            "word_errors": found.word_errors,
            "concealed": counts.get("concealed_samples", 0) / max(counts.get("total_samples_received", 0), 1),
            "buffer_ms": 1000 * counts.get("jitter_buffer_delay", 0) / emitted,
            "kbps": 8
            * (counts.get("bytes_received", 0) + counts.get("header_bytes_received", 0))
            / 1000
            / max(counts.get("total_samples_duration", 0), 1),
        }
    return outcomes


async def video(lab: Lab, cases: list[Case], seconds: float) -> list[Outcome]:
    """Everybody's publisher shows the lab's picture; what every subscriber sees is counted and compared."""
    outcomes, rooms = [], []
    for case in cases:
        outcome = Outcome(case)
        outcomes.append(outcome)

        async def prepare(client: Client) -> None:
            await client.camera(*VIDEO, FPS)

        def ready(bob: Client) -> bool:
            bob.size, bob.recording = VIDEO, True
            return len(bob.watched.frames) > FPS

        try:
            rooms.append((outcome, *await _pair(lab, case, prepare, ready)))
        except (TimeoutError, Exception) as error:  # noqa: BLE001 - a join that fails is a result
            outcome.failed = f"{type(error).__name__}: {error}"
    await asyncio.sleep(WARM_UP_S)
    before = [await bob.statistics("video") for _, _, bob in rooms]
    begun_s = time.monotonic()
    for _, _, bob in rooms:
        bob.watched.frames.clear()
        bob.watched.similarities.clear()
    await asyncio.sleep(seconds)
    for (outcome, ann, bob), first in zip(rooms, before, strict=True):
        bob.recording = False
        took_s = time.monotonic() - begun_s
        last = await bob.statistics("video")
        frames = list(bob.watched.frames)
        times = [begun_s, *(came_s for came_s, _, _ in frames), begun_s + took_s]
        gaps = [after - earlier for earlier, after in itertools.pairwise(times)]
        outcome.values = {
            "freeze": frozen(gaps) / took_s,
            "freezes": last.get("freeze_count", 0) - first.get("freeze_count", 0),
            "longest_s": max(gaps),
            "fps": len(frames) / took_s,
            "width": sum(width for _, _, width in frames) / max(len(frames), 1),
            "ssim": sum(bob.watched.similarities) / max(len(bob.watched.similarities), 1),
            "kbps": 8 * (last.get("bytes_received", 0) - first.get("bytes_received", 0)) / 1000 / took_s,
            "key_frames": last.get("key_frames_decoded", 0) - first.get("key_frames_decoded", 0),
            "nacks": last.get("nack_count", 0) - first.get("nack_count", 0),
            "plis": last.get("pli_count", 0) - first.get("pli_count", 0),
        }
        if bob.events or ann.events:
            outcome.failed = f"{', '.join(ann.events + bob.events)}"
    for _, ann, bob in rooms:
        with contextlib.suppress(Exception):
            await asyncio.gather(ann.leave(), bob.leave())
    return outcomes


def frozen(gaps: list[float]) -> float:
    """Seconds of freezes, as WebRTC's statistics define them (totalFreezesDuration): an interval between frames longer
    than three times the mean of the 30 before it, or 150 ms longer than that mean, whichever is more."""
    total = 0.0
    for position, gap in enumerate(gaps):
        before = gaps[max(position - 30, 0) : position]
        mean = sum(before) / len(before) if before else 0.05
        if gap >= max(3 * mean, mean + 0.15):
            total += gap
    return total


async def joins(lab: Lab, case: Case, count: int) -> Outcome:
    """How many joins succeed under an impairment, and how long it takes until media is heard."""
    took_s: list[float] = []
    for number in range(count):
        begun_s = time.monotonic()
        client = Client(f"join {number} {case.name}")
        try:
            await lab.join(client, f"joins {number}", case.up, case.down)
            await client.microphone()
            took_s.append(time.monotonic() - begun_s)
        except (TimeoutError, Exception):  # noqa: BLE001 - that is what is counted
            pass
        await client.leave()
    took_s.sort()
    median_s = took_s[len(took_s) // 2] if took_s else float("nan")
    return Outcome(case, {"joined": len(took_s) / count, "median_s": median_s})
