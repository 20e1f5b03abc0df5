"""1:1 messages, each acknowledged and delivered: a 10 s burst, and a minute with the projections keeping up."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from bench import loadgen
from bench.peers import System, label, load, running
from bench.results import Section, Table, ratio_verdict, ratios, spread
from bench.settings import BODY_BYTES, Settings

_METHOD = """\
{sessions:,} users in pairs, each with one {body}-byte message under way: the next is sent when the last was
acknowledged to its sender and has arrived at its peer (XMPP without stream management confirms nothing, there arrival
alone counts). Every run starts a fresh server with empty state, signs all users in, warms up and then counts. The
systems take turns inside each round and ratios are formed round by round; figures are medians, ranges in brackets."""


def measure(settings: Settings, systems: Mapping[str, System]) -> Section:
    """Runs the bursts in rounds, then the sustained load once per system but ejabberd."""
    section = Section(
        "durable_sends",
        "1:1 durable sends",
        _METHOD.format(sessions=settings.sessions, body=BODY_BYTES),
    )
    bursts = _bursts(settings, systems)
    section.tables.append(_table(f"burst of {settings.seconds:.0f} s", systems, bursts))
    sustained = _sustained(settings, systems)
    section.tables.append(_table(f"sustained for {settings.sustained_s:.0f} s", systems, sustained))
    rates = {name: [run.messages_per_s for run in runs] for name, runs in bursts.items()}
    long_rates = {name: [run.messages_per_s for run in runs] for name, runs in sustained.items()}
    flags = [flag for runs in bursts.values() for run in runs for flag in run.flags]
    section.verdicts += [
        ratio_verdict("burst >= 1.2 x Mosquitto", _against(rates, "mosquitto"), 1.2, flags),
        ratio_verdict("sustained >= 0.8 x Mosquitto", _against(long_rates, "mosquitto"), 0.8),
        ratio_verdict("burst >= 15 x ejabberd + MAM", _against(rates, "ejabberd"), 15, flags),
    ]
    section.data = {
        "burst": rates,
        "sustained": long_rates,
        "series": {name: runs[0].series for name, runs in sustained.items() if runs},
        "runs": {name: [run.raw for run in runs] for name, runs in bursts.items()},
        "sustained_runs": {name: [run.raw for run in runs] for name, runs in sustained.items()},
    }
    section.notes.append(_end_of_minute(sustained))
    return section


def _bursts(settings: Settings, systems: Mapping[str, System]) -> dict[str, list[loadgen.Load]]:
    runs: dict[str, list[loadgen.Load]] = {name: [] for name in systems}
    for number in range(settings.rounds):
        for name, system in systems.items():
            result = _one(settings, system, settings.seconds)
            print(f"  round {number + 1} {name}: {result.messages_per_s:,.0f} messages/s {result.flags or ''}")
            runs[name].append(result)
    return runs


def _sustained(settings: Settings, systems: Mapping[str, System]) -> dict[str, list[loadgen.Load]]:
    runs: dict[str, list[loadgen.Load]] = {}
    for name, system in systems.items():
        if name == "ejabberd":
            continue  # its archive slows with growth; the burst from an empty one is its best case
        result = _one(settings, system, settings.sustained_s)
        print(f"  sustained {name}: {result.messages_per_s:,.0f} messages/s {result.flags or ''}")
        runs[name] = [result]
    return runs


def _one(settings: Settings, system: System, seconds: float) -> loadgen.Load:
    with running(system, settings, settings.sessions):
        return load(
            system,
            settings,
            "pair",
            timeout_s=seconds + 90,
            sessions=settings.sessions,
            seconds=seconds,
            in_flight=1,
        )


def _against(rates: Mapping[str, Sequence[float]], peer: str) -> list[float]:
    return ratios(rates.get("trunkline", []), rates.get(peer, []))


def _table(title: str, systems: Mapping[str, System], runs: Mapping[str, Sequence[loadgen.Load]]) -> Table:
    table = Table(
        [
            title,
            "messages/s",
            "Trunkline / this",
            "ack p50 / p99 ms",
            "delivery p50 / p99 ms",
            "CPU server / generator",
            "flags",
        ]
    )
    ours = [run.messages_per_s for run in runs.get("trunkline", [])]
    for name, results in runs.items():
        rates = [run.messages_per_s for run in results]
        last = results[-1]
        flags = sorted({flag for run in results for flag in run.flags})
        acks = f"{last.ack_ms('p50'):.1f} / {last.ack_ms('p99'):.1f}" if last.raw["ack_ms"]["count"] else "none"
        table.rows.append(
            [
                label(systems[name]),
                spread(rates),
                "1" if name == "trunkline" else (spread(ratios(ours, rates), 2) if ours else "-"),
                acks,
                f"{last.delivery_ms('p50'):.1f} / {last.delivery_ms('p99'):.1f}",
                f"{last.server_cpu_pct:.0f} % / {last.generator_cpu_pct:.0f} %",
                "; ".join(flags) or "none",
            ]
        )
    return table


def _end_of_minute(runs: Mapping[str, Sequence[loadgen.Load]]) -> str:
    """Whether the last third of the minute is as fast as its first: what "keeping up" means in numbers."""
    if not runs.get("trunkline"):
        return "The sustained load of Trunkline was not measured."
    series = runs["trunkline"][0].series
    third = max(1, len(series) // 3)
    first, last = sum(series[:third]) / third, sum(series[-third:]) / third
    return (
        f"Sustained: {first:,.0f} messages/s in the first third, {last:,.0f} in the last. Sends are refused as busy "
        f"when the projections fall too far behind; {runs['trunkline'][0].refused} were."
    )
