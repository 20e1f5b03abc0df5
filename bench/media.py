"""Live media: against Debian's Janus with the same callers, a meeting, a busy interpreter, an audience.

Lives here: running the loads in a network namespace, tables, verdicts. Does not live here: the loads (``bench.rtc``).
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
from typing import Any

from bench.loadgen import GeneratorFailed
from bench.results import Section, Table, Verdict, ratio_verdict, spread
from bench.rtc import load as rtcload
from bench.settings import ROOT, Settings

RATIO = 3.0
BUSY_P99_MS = 1.5
ADDED_P50_MS = 2.0
AUDIENCE_PER_S = 250_000
SPEAKER_PER_S = 50
NAMESPACE = """
ip link set lo up
ip link add v0 type veth peer name v1
ip addr add 10.99.0.1/24 dev v0
ip link set v0 up
ip link set v1 up
exec "$@"
"""

_METHOD = """\
Everything runs in a network namespace of its own, on one address of an interface that leads nowhere (Janus takes no
loopback candidates); packets travel over loopback, where the sender's system call also pays for the receiver's half,
and for waking a receiver that sleeps.
**Against Janus** (Debian's package, VideoRoom, its defaults): one publisher of VP8 with 1,100 bytes of payload per
packet, in bursts of four or one by one, {seconds:.0f} s each, servers in turn, each on one core; one configuration of
Trunkline for all rows, `trunkline serve` with its defaults: transport numbers, retransmission memory, reports, the
event loop. Callers are ours and the same for both: ICE, DTLS 1.2, AES-GCM; they count every packet, open one in
sixteen and read from it when it was sent. They neither lose nor report losses, so neither server repeats much.
**Meeting**: {meeting} callers with sound and three layers of 720p each (20, 60 and 180 packets a second), and everybody
gets everybody's sound and highest layer. **Busy**: the packet thread in a process whose Python loops endlessly, both
on one core; 600 packets a second to ten. **Audience**: the packet thread alone, {listeners:,} listeners of one speaker,
each at an address of its own; no signalling or DTLS, and the keys are given. Their one socket is read every
millisecond, for in the field nobody's server wakes its listeners' programs."""


def measure(settings: Settings) -> Section:
    """All loads, and what they mean."""
    seconds = min(settings.seconds, 1.0 if settings.quick else 3.0)
    listeners = 1_000 if settings.quick else 10_000
    rounds = 1 if settings.quick else min(settings.rounds, 2)
    rtcload.build()
    lines = _run(settings, seconds, rounds, listeners)
    section = Section(
        "media", "Live media", _METHOD.format(seconds=seconds, meeting=17, listeners=listeners), data={"lines": lines}
    )
    section.notes += [
        f"{line['name']}, {line.get('system', '')}: not measured ({line['why'].strip()})"
        for line in lines
        if line["kind"] in ("failed", "unavailable")
    ]
    _compare(section, [line for line in lines if line["kind"] == "compare"])
    _meeting(section, [line for line in lines if line["kind"] == "meeting"])
    _latency(section, {line["name"]: line for line in lines if line["kind"] == "latency"})
    _audience(section, [line for line in lines if line["kind"] == "audience"])
    return section


def _run(settings: Settings, seconds: float, rounds: int, listeners: int) -> list[dict[str, Any]]:
    words = [
        sys.executable, "-m", "bench.rtc.run", "--seconds", str(seconds), "--rounds", str(rounds),
        "--listeners", str(listeners), "--server-core", str(settings.server_core),
        "--generator-core", str(settings.generator_core), "--work-dir", str(settings.work_dir / "media"),
    ]  # fmt: skip
    apart = ["unshare", "--net"] if os.geteuid() == 0 else ["unshare", "--map-root-user", "--net"]
    done = subprocess.run(
        [*apart, "sh", "-ec", NAMESPACE, "sh", *words], cwd=ROOT, capture_output=True, text=True, check=False
    )
    lines = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    if done.returncode or not any(line["kind"] == "done" for line in lines):
        raise GeneratorFailed(f"the media loads ended early: {done.stderr[-2000:]}")
    for line in lines:
        print(f"  {line['kind']} {line['name']} {line.get('system', '')}", flush=True)
    return lines


def _rate(line: dict[str, Any]) -> float:
    """Packets sent out per second of server CPU."""
    return float(line["received"]) / float(line["server_cpu_s"])


def _flags(lines: list[dict[str, Any]]) -> list[str]:
    return sorted({flag for line in lines for flag in line["flags"]})


def _compare(section: Section, lines: list[dict[str, Any]]) -> None:
    table = Table(
        ["load", "server", "packets per core-second", "ratio", "p50 / p99 ms", "CPU server / load", "memory", "flags"]
    )  # fmt: skip
    section.data["compare"] = {}
    for name in dict.fromkeys(line["name"] for line in lines):
        runs = {
            system: [line for line in lines if line["name"] == name and line["system"] == system]
            for system in ("Janus VideoRoom", "Trunkline")
        }
        rates = {system: [_rate(line) for line in found] for system, found in runs.items()}
        ratios = [a / b for a, b in zip(rates["Trunkline"], rates["Janus VideoRoom"], strict=False)]
        section.data["compare"][name] = rates
        for system, found in runs.items():
            if not found:
                continue
            middle = {key: statistics.median(line[key] for line in found) for key in ("p50_us", "p99_us", "mb")}
            cpu = statistics.median(100 * line["server_cpu_s"] / line["seconds"] for line in found)
            busy = statistics.median(line["generator_pct"] for line in found)
            table.rows.append([
                name, system, spread(rates[system]), spread(ratios, 2) if system == "Trunkline" and ratios else "-",
                f"{middle['p50_us'] / 1000:.2f} / {middle['p99_us'] / 1000:.2f}", f"{cpu:.0f} % / {busy:.0f} %",
                f"{middle['mb']:.0f}", ", ".join(_flags(found)) or "-",
            ])  # fmt: skip
        target = f"Media, {name}: packets per core-second >= {RATIO:.0f} x Janus"
        section.verdicts.append(ratio_verdict(target, ratios, RATIO, _flags(runs["Trunkline"])))
    section.tables.append(table)


def _meeting(section: Section, lines: list[dict[str, Any]]) -> None:
    for line in lines:
        used = 100 * line["server_cpu_s"] / line["seconds"]
        each_mb = (line["mb"] - line["idle_mb"]) / 17
        section.tables.append(Table(
            ["meeting of 17", "packets out/s", "server CPU", "latency p50 / p99 ms", "memory per participant", "flags"],
            [[
                "sound, 720p in three layers", f"{line['received'] / line['seconds']:,.0f}", f"{used:.0f} % of a core",
                f"{line['p50_us'] / 1000:.2f} / {line['p99_us'] / 1000:.2f}", f"{each_mb:.2f} MB",
                ", ".join(line["flags"]) or "-",
            ]],
        ))  # fmt: skip
        met = used < 100 and not line["lost"]
        section.verdicts.append(
            Verdict(
                "Media, a meeting of 17 in 720p on one core, nothing lost",
                f"{used:.0f} % of a core",
                met,
                "; ".join(line["flags"]),
            )
        )


def _latency(section: Section, lines: dict[str, dict[str, Any]]) -> None:
    if not {"direct", "idle", "busy"} <= lines.keys():
        return
    labels = {"direct": "from socket to socket", "idle": "through the thread", "busy": "the same, Python 100 % busy"}
    section.tables.append(Table(
        ["600 packets a second", "p50 ms", "p99 ms", "p99.9 ms", "largest ms"],
        [
            [label, *(f"{lines[name][key] / 1000:.3f}" for key in ("p50_us", "p99_us", "p999_us", "max_us"))]
            for name, label in labels.items()
        ],
    ))  # fmt: skip
    p99_ms = lines["busy"]["p99_us"] / 1000
    added_ms = (lines["idle"]["p50_us"] - lines["direct"]["p50_us"]) / 1000
    section.verdicts += [
        Verdict(
            f"Media, forwarding p99 while Python is 100 % busy <= {BUSY_P99_MS} ms", f"{p99_ms:.2f} ms",
            p99_ms <= BUSY_P99_MS, "; ".join(lines["busy"]["flags"]),
        ),
        Verdict(
            f"Media, latency added to a direct connection, p50 <= {ADDED_P50_MS:.0f} ms", f"{added_ms:.2f} ms",
            added_ms <= ADDED_P50_MS,
        ),
    ]  # fmt: skip


def _audience(section: Section, lines: list[dict[str, Any]]) -> None:
    for line in lines:
        rate = line["out"] / line["server_cpu_s"]
        cost_us = SPEAKER_PER_S / rate * 1e6
        memory = line["bytes"] / int(line["name"]) / 1000
        section.tables.append(Table(
            ["listeners of one speaker", "packets per core-second", "CPU per listener", "memory each", "in one core"],
            [[
                f"{int(line['name']):,}", f"{rate:,.0f}", f"{cost_us:.0f} us per second of speech", f"{memory:.1f} kB",
                f"{rate / SPEAKER_PER_S:,.0f} listeners at {SPEAKER_PER_S} packets a second",
            ]],
        ))  # fmt: skip
        target = f"Media, {int(line['name']):,} listeners: packets per core-second >= {AUDIENCE_PER_S:,}"
        section.verdicts.append(Verdict(target, f"{rate:,.0f}", rate >= AUDIENCE_PER_S, "; ".join(line["flags"])))
