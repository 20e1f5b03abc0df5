"""What a sync costs after an absence: it must follow what changed, not what exists."""

from __future__ import annotations

import statistics
import time
from pathlib import Path

from bench.linkclient import LinkClient
from bench.peers import running
from bench.peers.trunkline import Trunkline
from bench.results import Section, Table, Verdict
from bench.settings import Settings

_METHOD = """\
A user is in N groups, syncs to the end and leaves. {changed} of the groups then get a message each. The user signs in
again and calls `sync(epoch, pts)` from the position it left at, {calls} times; latency is the median, server time is
the CPU time of all calls divided by their number (ticks of 10 ms, so the sum is measured, not the single call). The
second table changes more and more of 1,000 groups. For contrast, the last column is one complete sync from nothing
(all pages). The server has the state in memory."""

CHANGED = 20
SIZES = (200, 500, 1000, 2000)
CHANGES = (0, 5, 20, 80, 320)
READER, WRITER = "user/reader", "user/writer"


def measure(settings: Settings, system: Trunkline) -> Section:
    """Both curves, in fresh servers."""
    calls = 20 if settings.quick else 400
    sizes = tuple(size // 10 for size in SIZES) if settings.quick else SIZES
    section = Section("sync_cost", "Sync after an absence", _METHOD.format(changed=CHANGED, calls=calls))
    by_size = [_point(settings, system, size, CHANGED, calls) for size in sizes]
    base = sizes[2]
    by_change = [_point(settings, system, base, changed, calls) for changed in CHANGES if changed <= base]
    section.tables.append(_table("conversations", by_size, "conversations"))
    section.tables.append(_table(f"changed of {base:,}", by_change, "changed"))
    section.data = {"by_size": by_size, "by_change": by_change}
    section.verdicts.append(_verdict(by_size))
    return section


def _point(settings: Settings, system: Trunkline, size: int, changed: int, calls: int) -> dict[str, float]:
    with running(system, settings, 2):
        with LinkClient(system.port, system.token(WRITER)) as writer:
            groups = [f"g.bench-{number:05d}" for number in range(size)]
            writer.call_many("group.create", ({"id": group, "name": group, "members": [READER]} for group in groups))
            with LinkClient(system.port, system.token(READER)) as reader:
                full_ms, position = _full_sync(reader)
            # Spread over the list, so that no page of neighbours is touched by luck.
            step = size // changed if changed else 1
            touched = groups[::step][:changed]
            writer.call_many(
                "message.send", (writer.text_params("while away", conversation=group) for group in touched)
            )
        with LinkClient(system.port, system.token(READER)) as reader:
            return _timed(system, reader, position, calls) | {
                "conversations": size,
                "changed": changed,
                "full_ms": full_ms,
            }


def _full_sync(reader: LinkClient) -> tuple[float, tuple[int, int]]:
    begun = time.perf_counter()
    epoch = pts = 0
    while True:
        page = reader.call("sync", {"epoch": epoch, "pts": pts, "limit": 500})
        epoch, pts = page["epoch"], page["pts"]
        if not page.get("more"):
            return (time.perf_counter() - begun) * 1000, (epoch, pts)


def _timed(system: Trunkline, reader: LinkClient, position: tuple[int, int], calls: int) -> dict[str, float]:
    epoch, pts = position
    params = {"epoch": epoch, "pts": pts, "limit": 500}
    found = len(reader.call("sync", params).get("conversations", []))
    times = []
    cpu_begun = _cpu_s(system.pids())
    for _ in range(calls):
        begun = time.perf_counter()
        reader.call("sync", params)
        times.append((time.perf_counter() - begun) * 1000)
    cpu_ms = (_cpu_s(system.pids()) - cpu_begun) * 1000 / calls
    times.sort()
    return {
        "found": found,
        "p50_ms": statistics.median(times),
        "p99_ms": times[int(len(times) * 0.99)],
        "server_ms": cpu_ms,
    }


def _cpu_s(pids: list[int]) -> float:
    ticks = 0
    for pid in pids:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        ticks += int(fields[11]) + int(fields[12])
    return ticks / 100


def _table(first: str, points: list[dict[str, float]], key: str) -> Table:
    table = Table([first, "conversations answered", "p50 ms", "p99 ms", "server ms per sync", "complete sync ms"])
    for point in points:
        table.rows.append(
            [
                f"{point[key]:,.0f}",
                f"{point['found']:.0f}",
                f"{point['p50_ms']:.2f}",
                f"{point['p99_ms']:.2f}",
                f"{point['server_ms']:.2f}",
                f"{point['full_ms']:.1f}",
            ]
        )
    return table


def _verdict(points: list[dict[str, float]]) -> Verdict:
    """Ten times the conversations may cost at most a third more: room for noise, not for a linear part."""
    smallest, largest = points[0], points[-1]
    growth = largest["p50_ms"] / smallest["p50_ms"]
    right = all(point["found"] == CHANGED for point in points)
    times = f"{largest['conversations'] / smallest['conversations']:.0f}"
    measured = (
        f"{times} x the conversations cost {growth:.2f} x ({smallest['p50_ms']:.2f} -> {largest['p50_ms']:.2f} ms)"
    )
    note = "" if right else "a sync did not answer exactly the changed conversations"
    return Verdict(
        "sync: cost independent of what did not change (growth <= 1.33)", measured, growth <= 1.33 and right, note
    )
