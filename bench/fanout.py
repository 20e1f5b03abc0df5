"""One publisher, thousands of online members of one group: deliveries per second."""

from __future__ import annotations

from collections.abc import Mapping

from bench import loadgen
from bench.peers import System, label, load, running
from bench.results import Section, Table, ratio_verdict, ratios, spread
from bench.settings import Settings

_METHOD = """\
One sender, {subscribers:,} other members online. A message is done when it was acknowledged and every member has it;
the sender keeps one or 32 messages under way. Mosquitto publishes at QoS 1 and delivers at QoS 0 to clean sessions,
its fastest way; Trunkline's messages are on disk before anybody sees them, and members keep their positions.
Coalescing is allowed: several messages may reach a member in one write. ejabberd is left out: a MUC room of this size
was not built into the generator."""

_TARGETS = {1: 2.0, 32: 20.0}


def measure(settings: Settings, systems: Mapping[str, System]) -> Section:
    """Both windows, the systems taking turns in every round."""
    section = Section("fanout", "Fan-out to a group", _METHOD.format(subscribers=settings.subscribers))
    chosen = {name: system for name, system in systems.items() if name != "ejabberd"}
    for window, least in _TARGETS.items():
        runs: dict[str, list[loadgen.Load]] = {name: [] for name in chosen}
        for _ in range(settings.rounds):
            for name, system in chosen.items():
                with running(system, settings, settings.subscribers + 1):
                    result = load(
                        system,
                        settings,
                        "fan",
                        timeout_s=settings.seconds + 120,
                        sessions=settings.subscribers,
                        in_flight=window,
                        seconds=settings.seconds,
                    )
                print(f"  {window} under way, {name}: {result.deliveries_per_s:,.0f} deliveries/s {result.flags or ''}")
                runs[name].append(result)
        section.tables.append(_table(window, chosen, runs))
        rates = {name: [run.deliveries_per_s for run in results] for name, results in runs.items()}
        found = ratios(rates.get("trunkline", []), rates.get("mosquitto", []))
        flags = [flag for results in runs.values() for run in results for flag in run.flags]
        section.verdicts.append(
            ratio_verdict(f"fan-out, {window} under way: >= {least:.0f} x Mosquitto's deliveries", found, least, flags)
        )
        section.data[str(window)] = {name: [run.raw for run in results] for name, results in runs.items()}
    return section


def _table(window: int, systems: Mapping[str, System], runs: Mapping[str, list[loadgen.Load]]) -> Table:
    table = Table(
        [
            f"{window} under way",
            "deliveries/s",
            "Trunkline / this",
            "delivery p50 / p99 ms",
            "CPU server / generator",
            "flags",
        ]
    )
    ours = [run.deliveries_per_s for run in runs.get("trunkline", [])]
    for name, results in runs.items():
        last = results[-1]
        rates = [run.deliveries_per_s for run in results]
        table.rows.append(
            [
                label(systems[name]),
                spread(rates),
                "1" if name == "trunkline" else (spread(ratios(ours, rates), 2) if ours else "-"),
                f"{last.delivery_ms('p50'):.1f} / {last.delivery_ms('p99'):.1f}",
                f"{last.server_cpu_pct:.0f} % / {last.generator_cpu_pct:.0f} %",
                "; ".join(sorted({flag for run in results for flag in run.flags})) or "none",
            ]
        )
    return table
