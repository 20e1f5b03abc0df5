"""A server, devices, conversations, and the judgement over all of them.

Lives here: what most scenarios need around their fault: set up, load, coming to rest, reading the final logs from the
server, and the verdict. Does not live here: one device (`device`), the process (`server_process`), faults.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from tests.claims.context import Context
from tests.claims.device import Device, id_of
from tests.claims.report import ScenarioReport
from tests.claims.server_process import ServerProcess
from tests.faults.chaos_proxy import ChaosProxy
from trunkline.client import Options
from trunkline.domain.history import (
    Event,
    FinalLog,
    Recv,
    Resync,
    StateHash,
    Verdict,
    ViewJoin,
    ViewLeave,
    check_history,
    encode_lines,
)
from trunkline.wire import entries as types
from trunkline.wire.calls.conversations import GroupCreate
from trunkline.wire.calls.messages import History, HistoryGet
from trunkline.wire.entries import EntryView

_FRESH_LOGINS = 8


class World:
    """Everything of one run.

    Args:
        ctx: Of the scenario.
        report: Gets latencies and the verdict.
        name: Of the run within the scenario.
        proxy: Put a chaos proxy between the devices and the server.
        config: Of the server, options by section.
        server: Other arguments of `ServerProcess`.
    """

    def __init__(
        self,
        ctx: Context,
        report: ScenarioReport,
        name: str = "run",
        *,
        proxy: bool = False,
        config: Mapping[str, Mapping[str, object]] | None = None,
        **server: Any,
    ) -> None:
        self.ctx = ctx
        self.report = report
        self.name = name
        self.directory: Path = ctx.directory / name
        self.rng: random.Random = ctx.rng(report.scenario, name)
        self.server = ServerProcess(self.directory, config=config, **server)
        self.proxy: ChaosProxy | None = (
            ChaosProxy(self.server.port, seed=self.rng.randrange(1 << 32)) if proxy else None
        )
        self.devices: list[Device] = []
        self.convs: dict[str, list[str]] = {}
        self.owners: dict[str, Device] = {}
        self.epochs: list[tuple[int, dict[str, int]]] = []
        self.absent: set[str] = set()
        self.closed_away: set[tuple[str, str]] = set()
        self._sending = True

    async def __aenter__(self) -> Self:
        await self.server.start()
        await self.server.create_app()
        if self.proxy is not None:
            await self.proxy.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is not None:
            self.keep_histories()
        await asyncio.gather(*(device.stop() for device in self.devices), return_exceptions=True)
        if self.proxy is not None:
            await self.proxy.__aexit__(None, None, None)
        await self.server.kill()

    # ------------------------------------------------------------------ set-up

    @property
    def url(self) -> str:
        """Where devices connect: the proxy if there is one."""
        return f"http://127.0.0.1:{self.proxy.port}" if self.proxy is not None else self.server.url

    async def device(
        self,
        party: str,
        name: str = "phone",
        *,
        url: str = "",
        start: bool = True,
        persistent: bool = False,
        options: Options | None = None,
        **more: Any,
    ) -> Device:
        """Make a device and bring it online."""
        if persistent:
            more["store"] = self.directory / f"{party.replace('/', '-')}-{name}.db"
        device = Device(
            url or self.url, lambda: self.server.token(party), party, name, options=options or Options(), **more
        )
        self.devices.append(device)
        if start:
            await device.start()
        return device

    async def people(self, count: int, **more: Any) -> list[Device]:
        """Make parties `user/u0`, `user/u1`... with one device each."""
        made: list[Device] = []
        for first in range(0, count, 25):
            numbers = range(first, min(count, first + 25))
            made += await asyncio.gather(*(self.device(f"user/u{number}", **more) for number in numbers))
        return made

    async def group(self, conv: str, owner: Device, members: Iterable[str], **more: Any) -> str:
        """Create a group; its owner sees all of it, and is asked for the final log."""
        assert owner.client is not None
        parties = sorted({owner.party, *members})
        request = GroupCreate(id=conv, name=conv, members=[party for party in parties if party != owner.party], **more)
        await owner.client.call("group.create", request, dict)
        self.convs[conv] = parties
        self.owners[conv] = owner
        return conv

    # ------------------------------------------------------------------ load

    async def send_many(
        self,
        devices: Sequence[Device],
        total: int,
        *,
        window: int = 4,
        padding_bytes: int = 0,
        convs: Sequence[str] | None = None,
    ) -> None:
        """Let devices send to their conversations at random, each with `window` messages on the way.

        Ends when `total` were sent, or after `stop_sending`.
        """
        left = total

        async def one_slot(device: Device, rng: random.Random, mine: list[str]) -> None:
            nonlocal left
            while self._sending and left > 0:
                left -= 1
                await device.send(rng.choice(mine), padding_bytes=padding_bytes)

        async with asyncio.TaskGroup() as group:
            for device in devices:
                mine = [conv for conv in convs or self.convs if device.party in self.convs[conv]]
                for slot in range(window if mine else 0):
                    group.create_task(one_slot(device, self.ctx.rng(self.name, device.dev, slot), mine))

    def stop_sending(self) -> None:
        """Let `send_many` end once what is on the way has an outcome."""
        self._sending = False

    async def observe(self, stop: asyncio.Event, every_s: float = 0.2) -> None:
        """Let random devices ask for heads and mark as read, until told to stop."""
        while not stop.is_set():
            device = self.rng.choice(self.devices)
            convs = [conv for conv, parties in self.convs.items() if device.party in parties]
            if device.client is not None and convs:
                conv = self.rng.choice(convs)
                device.client.mark_read(conv)
                await device.look(conv)
            try:
                await asyncio.wait_for(stop.wait(), every_s)
            except TimeoutError:
                pass

    # ------------------------------------------------------------------ judgement

    async def come_to_rest(self, timeout_s: float = 40) -> dict[str, list[EntryView]]:
        """Wait until every send has an outcome and every device has all it may see; returns the final logs."""
        present = [device for device in self.devices if device.dev not in self.absent and device.client is not None]
        await asyncio.gather(*(device.settled(timeout_s) for device in present))
        logs = {conv: await self.read_log(conv) for conv in self.convs}
        deadline_s = time.monotonic() + timeout_s
        for device in present:
            goals = {
                conv: goal
                for conv in self.convs
                if (device.dev, conv) not in self.closed_away and (goal := self._goal(device.party, logs[conv]))
            }
            try:
                await device.caught_up(goals, max(0.1, deadline_s - time.monotonic()))
            except TimeoutError:
                behind = {conv: (device.last_seen.get(conv, 0), goal) for conv, goal in goals.items()}
                print(f"{device.dev} does not get further: {behind}")  # the checker says what is missing
        await asyncio.sleep(0.1)  # anything delivered twice would still be on its way
        return logs

    async def read_log(self, conv: str) -> list[EntryView]:
        """Read a whole log from the server, as a party that sees all of it."""
        owner = self.owners[conv]
        assert owner.client is not None
        entries: list[EntryView] = []
        while True:
            request = HistoryGet(conversation=conv, from_seq=len(entries) + 1, limit=500)
            page = await owner.client.call("history.get", request, History, again=True)
            entries += page.entries
            if not page.more and len(entries) >= page.head:
                return entries
            if not page.entries:
                raise AssertionError(f"{conv}: nothing from {len(entries) + 1} on, but the head is {page.head}")

    async def judge(self, timeout_s: float = 40) -> Verdict:
        """Come to rest, compare everything, and add the verdict to the report."""
        logs = await self.come_to_rest(timeout_s)
        fresh = await self._fresh_hashes(logs)
        for device in self.devices:
            if device.client is not None and device.dev not in self.absent:
                for conv, parties in self.convs.items():
                    if device.party in parties and (device.dev, conv) not in self.closed_away:
                        h = device.state_hash(conv)
                        scope = f"{conv}@{_segments(device.party, logs[conv])}"
                        device.events.append(StateHash(device.dev, scope, h, time.monotonic_ns()))
        events: list[Event] = []
        for device in self.devices:
            events += with_views(device, logs, self.closed_away)
            self.report.latency_ms += device.latency_ms
        finals = [self.final_log(conv, entries) for conv, entries in logs.items()]
        verdict = check_history(events, finals, fresh_hashes=fresh, absent=self.absent)
        self.report.judge(verdict)
        if not verdict.clean:
            self.keep_histories()
        return verdict

    def final_log(self, conv: str, entries: list[EntryView]) -> FinalLog:
        """Turn entries into what the checker takes."""
        epochs = [(epoch, kept.get(conv, 0) + 1) for epoch, kept in self.epochs]
        if not epochs:
            epochs = [(entries[0].epoch if entries else 0, 1)]
        taken_back = [entry.seq for entry in entries if entry.now and (entry.now.recalled or entry.now.erased)]
        return FinalLog(conv, [(entry.seq, id_of(entry)) for entry in entries], epochs=epochs, erased=taken_back)

    def keep_histories(self) -> None:
        """Write the histories beside the data, for whoever looks at a failure."""
        for device in self.devices:
            path = self.directory / f"history-{device.dev.replace('/', '-').replace(':', '-')}.jsonl"
            path.write_bytes(encode_lines(device.events))

    async def _fresh_hashes(self, logs: dict[str, list[EntryView]]) -> dict[str, str]:
        """Log in anew as a few parties, each on a device that knows nothing, and hash what it shows."""
        parties = sorted({party for members in self.convs.values() for party in members})
        chosen = self.ctx.rng(self.name, "fresh").sample(parties, min(_FRESH_LOGINS, len(parties)))
        fresh: dict[str, str] = {}
        for party in chosen:
            device = Device(self.server.url, lambda party=party: self.server.token(party), party, "fresh")  # type: ignore[misc]
            await device.start()
            try:
                gone = {conv for dev, conv in self.closed_away if dev.startswith(f"{party}:")}
                convs = {
                    conv: goal for conv in self.convs if conv not in gone and (goal := self._goal(party, logs[conv]))
                }
                await device.caught_up(convs)
                for conv in convs:
                    fresh[f"{conv}@{_segments(party, logs[conv])}"] = device.state_hash(conv)
            finally:
                await device.stop()
        return fresh

    def _goal(self, party: str, entries: list[EntryView]) -> int:
        segments = _segments(party, entries)
        return 0 if not segments else segments[-1][1] or (entries[-1].seq if entries else 0)


def _segments(party: str, entries: list[EntryView]) -> list[tuple[int, int]]:
    """Return the ranges of a log that a party may see, as (first, last), last 0 for "to the head".

    Who is a member when is taken from the log itself, not from what clients believe.
    """
    segments: list[tuple[int, int]] = []
    for entry in entries:
        content = entry.content if isinstance(entry.content, dict) else {}
        named: Iterable[str] = ()
        if entry.type == types.CREATED:
            named = [*content.get("members", ()), content.get("owner", "")]
        elif entry.type in (types.MEMBERS_ADDED, types.MEMBERS_REMOVED):
            named = content.get("parties", ())
        if party not in named:
            continue
        if entry.type == types.MEMBERS_REMOVED:
            segments[-1] = (segments[-1][0], entry.seq)
        else:
            segments.append((entry.seq, 0))
    return segments


def with_views(
    device: Device, logs: dict[str, list[EntryView]], closed_away: Collection[tuple[str, str]] = ()
) -> list[Event]:
    """Return a device's events with the bounds of its views, as the logs have them, put where they belong."""
    left = {conv: _segments(device.party, entries) for conv, entries in logs.items()}
    ends: dict[str, int] = {}
    found: list[Event] = []

    def leave(conv: str, t: int) -> None:
        if ends.get(conv):
            complete = (device.dev, conv) not in closed_away
            found.append(ViewLeave(device.dev, conv, ends.pop(conv), t, complete))

    def join(conv: str, t: int, epoch: int) -> None:
        start, end = left[conv].pop(0)
        ends[conv] = end
        found.append(ViewJoin(device.dev, conv, start, t, epoch))

    last_epoch: dict[str, int] = {}
    bounds = {conv: list(segments) for conv, segments in left.items()}
    for event in device.events:
        if isinstance(event, Recv) and _is_outside(event, device, bounds.get(event.conv, [])):
            continue
        if isinstance(event, Recv | Resync) and event.conv in left:
            last_epoch[event.conv] = event.epoch
            seq = event.seq if isinstance(event, Recv) else 0
            if event.conv not in ends and left[event.conv]:
                join(event.conv, event.t, event.epoch)
            elif ends.get(event.conv) and seq > ends[event.conv]:
                leave(event.conv, event.t)
                if left[event.conv] and seq >= left[event.conv][0][0]:
                    join(event.conv, event.t, event.epoch)
        found.append(event)
    t = time.monotonic_ns()
    for conv, entries in logs.items():
        while left[conv]:
            leave(conv, t)
            join(conv, t, last_epoch.get(conv, entries[-1].epoch if entries else 0))
        leave(conv, t)
    return found


def _is_outside(event: Recv, device: Device, segments: list[tuple[int, int]]) -> bool:
    """Say whether this is a placeholder where the device may not see.

    Those keep the numbers dense and show nothing. Inside the device's view a placeholder is a lost message.
    """
    if (event.conv, event.seq) not in device.placeholders:
        return False
    return not any(first <= event.seq <= (last or event.seq) for first, last in segments)
