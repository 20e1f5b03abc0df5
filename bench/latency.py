"""Latency of 1:1 messages at half of the burst load, from the time each message was due."""

from __future__ import annotations

from collections.abc import Mapping

from bench import machine
from bench.peers import System, label, load, running
from bench.results import Section, Table, Verdict
from bench.settings import Settings

_METHOD = """\
Open loop: messages are due at even intervals over all {sessions:,} users, at half of the rate that the same system
reached in the burst (median of its rounds), and latency counts from the time a message was due. A server that stalls
therefore cannot hide it. Three rounds at least, of which the median counts.

The floor is what this machine took in the same round without Trunkline: the network and the scheduler, as Mosquitto
shows them, which waits for no disk, and a bare fdatasync of 10 kB every 3 ms on the server's core. A p99 above
{limit:.0f} ms is a miss whatever the floor; the ratio to the sum of both says how much of it is the machine's."""

LIMIT_MS = 10.0
FLOOR_S = 3.0
LEAST_ROUNDS = 3
"""What neighbours take of a shared machine moves a p99 more than anything else does."""


def measure(settings: Settings, systems: Mapping[str, System], bursts: Mapping[str, list[float]]) -> Section:
    """One run per round and system; ``bursts`` are the rates of ``durable_sends`` in this run, if it ran."""
    section = Section("latency", "Latency at half load", _METHOD.format(sessions=settings.sessions, limit=LIMIT_MS))
    table = Table(
        ["system", "rate /s", "ack p50 / p99 / p99.9 ms", "delivery p50 / p99 / p99.9 ms", "server CPU", "flags"]
    )
    worst: list[float] = []
    floors: list[float] = []
    runs: dict[str, list[dict[str, object]]] = {}
    for _ in range(settings.rounds if settings.quick else max(settings.rounds, LEAST_ROUNDS)):
        disk = machine.disk_floor_ms(settings.work_dir, settings.server_core, FLOOR_S)
        at_p50, at_p99, at_p999 = (disk[int(len(disk) * share)] for share in (0.5, 0.99, 0.999))
        table.rows.append(
            ["a bare fdatasync", f"{len(disk) / FLOOR_S:,.0f}", f"{at_p50:.2f} / {at_p99:.2f} / {at_p999:.2f}", *"---"]
        )
        network_p99 = 0.0
        for name, system in systems.items():
            with running(system, settings, settings.sessions):
                rate = _half(settings, system, bursts.get(name, []))
                result = load(
                    system,
                    settings,
                    "pair",
                    timeout_s=settings.seconds + 90,
                    sessions=settings.sessions,
                    seconds=settings.seconds,
                    rate=round(rate),
                )
            print(f"  {name} at {rate:,.0f}/s: delivery p99 {result.delivery_ms('p99'):.2f} ms {result.flags or ''}")
            runs.setdefault(name, []).append(result.raw)
            if name == "mosquitto":
                network_p99 = max(result.ack_ms("p99"), result.delivery_ms("p99"))
            if name == "trunkline":
                floors.append(at_p99 + network_p99)
                worst.append(max(result.ack_ms("p99"), result.delivery_ms("p99")))
            acks = [result.ack_ms(quantile) for quantile in ("p50", "p99", "p999")]
            deliveries = [result.delivery_ms(quantile) for quantile in ("p50", "p99", "p999")]
            table.rows.append(
                [
                    label(system),
                    f"{rate:,.0f}",
                    " / ".join(f"{value:.2f}" for value in acks) if any(acks) else "none",
                    " / ".join(f"{value:.2f}" for value in deliveries),
                    f"{result.server_cpu_pct:.0f} %",
                    "; ".join(result.flags) or "none",
                ]
            )
    table.rows.sort(key=lambda row: row[0])
    section.tables.append(table)
    section.verdicts.append(_verdict(worst, floors))
    section.data = {"runs": runs, "floors_ms": floors}
    return section


def _half(settings: Settings, system: System, bursts: list[float]) -> float:
    if bursts:
        return sorted(bursts)[len(bursts) // 2] / 2
    probe = load(system, settings, "pair", timeout_s=120, sessions=settings.sessions, seconds=3)
    return float(probe.messages_per_s) / 2


def _verdict(worst: list[float], floors: list[float]) -> Verdict:
    target = f"ack and delivery p99 <= {LIMIT_MS:.0f} ms at half of the burst load"
    if not worst:
        return Verdict(target, "not measured", None)
    middle = sorted(worst)[len(worst) // 2]
    floor = sorted(floors)[len(floors) // 2]
    return Verdict(
        target,
        f"{middle:.2f} ms (the larger of the two; rounds {', '.join(f'{w:.2f}' for w in worst)})",
        middle <= LIMIT_MS,
        f"{middle / floor:.1f} x the floor of {floor:.2f} ms",
    )
