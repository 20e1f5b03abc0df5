"""Latency of 1:1 messages at half of the burst load, from the time each message was due."""

from __future__ import annotations

from collections.abc import Mapping

from bench.peers import System, label, load, running
from bench.results import Section, Table, Verdict
from bench.settings import Settings

_METHOD = """\
Open loop: messages are due at even intervals over all {sessions:,} users, at half of the rate that the same system
reached in the burst (median of its rounds), and latency counts from the time a message was due. A server that stalls
therefore cannot hide it."""

LIMIT_MS = 10.0


def measure(settings: Settings, systems: Mapping[str, System], bursts: Mapping[str, list[float]]) -> Section:
    """One run per round and system; ``bursts`` are the rates of ``durable_sends`` in this run, if it ran."""
    section = Section("latency", "Latency at half load", _METHOD.format(sessions=settings.sessions))
    table = Table(
        ["system", "rate /s", "ack p50 / p99 / p99.9 ms", "delivery p50 / p99 / p99.9 ms", "server CPU", "flags"]
    )
    worst: list[float] = []
    runs: dict[str, list[dict[str, object]]] = {}
    for _ in range(settings.rounds):
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
            if name == "trunkline":
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
    section.verdicts.append(_verdict(worst))
    section.data = {"runs": runs}
    return section


def _half(settings: Settings, system: System, bursts: list[float]) -> float:
    if bursts:
        return sorted(bursts)[len(bursts) // 2] / 2
    probe = load(system, settings, "pair", timeout_s=120, sessions=settings.sessions, seconds=3)
    return float(probe.messages_per_s) / 2


def _verdict(worst: list[float]) -> Verdict:
    target = f"ack and delivery p99 <= {LIMIT_MS:.0f} ms at half of the burst load"
    if not worst:
        return Verdict(target, "not measured", None)
    middle = sorted(worst)[len(worst) // 2]
    return Verdict(
        target,
        f"{middle:.2f} ms (the larger of the two; rounds {', '.join(f'{w:.2f}' for w in worst)})",
        middle <= LIMIT_MS,
    )
