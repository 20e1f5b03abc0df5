"""A live room: 5,000 members on real connections, on a server with one core."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bench import loadgen
from bench.peers import System, Unavailable, label, load, running
from bench.peers.nats import Nats
from bench.peers.trunkline import Trunkline
from bench.results import Section, Table, Verdict, ratio_verdict, ratios, spread
from bench.settings import Settings

RELIABLE_PER_S = 1_000
OVERLOAD = 10
BUDGET_PER_S = 1_200
P99_MS = 150.0
WINDOW = 64
MEMORY_GROWTH = 1.25

_METHOD = """\
One room with {members:,} members, each a connection of its own; 64 of them also speak, bodies of 100 bytes.
**Target load**: {rate:,} reliable messages a second, evenly spaced, each on disk before anybody sees it; latency
counts from the moment a message was due to its arrival at each of the members. **Overload**: besides, {volatile:,}
messages a second of a type that is sampled, ten times what comes in otherwise, with a declared budget of {budget:,}
messages a second per member. What the server counted must equal what the {members:,} connections received, exactly,
and every reliable message must be at every member. **Against peers**: closed loop, {window} messages under way,
everybody subscribed to one topic, publishers included: Mosquitto publishes at QoS 1 and delivers at QoS 0, NATS
acknowledges nothing; both send every message to every subscriber, as they are made to, where Trunkline sends what a
tick has in one write. The generator parses the first copy of a batch and compares the others with it byte by byte;
for the peers it reads every message. Flags say where it was the limit."""


def measure(settings: Settings, systems: Mapping[str, System]) -> Section:
    """Target load, overload, and the peers in turn."""
    rate = RELIABLE_PER_S // (5 if settings.quick else 1)
    section = Section(
        "room",
        "A live room",
        _METHOD.format(
            members=settings.subscribers,
            rate=rate,
            volatile=rate * (OVERLOAD - 1),
            budget=BUDGET_PER_S * rate // RELIABLE_PER_S,
            window=WINDOW,
        ),
    )
    subject = systems.get("trunkline")
    if isinstance(subject, Trunkline):
        _loads(section, settings, subject, rate)
    peers: dict[str, System] = {name: system for name, system in systems.items() if name in ("trunkline", "mosquitto")}
    try:
        peers["nats"] = Nats(settings)
    except Unavailable as why:
        section.notes.append(str(why))
    _peers(section, settings, peers)
    return section


def _loads(section: Section, settings: Settings, subject: Trunkline, rate: int) -> None:
    table = Table(
        [
            "load",
            "in/s",
            "deliveries/s",
            "reliable: sent, received by all",
            "sampled: received, sent, dropped",
            "delivery p50 / p99 / p99.9 ms",
            "memory MB",
            "CPU server / generator",
            "flags",
        ]
    )
    found: dict[str, list[tuple[loadgen.Load, dict[str, Any]]]] = {"target": [], "overload": []}
    for _ in range(settings.rounds):
        for name, volatile in (("target", 0), ("overload", rate * (OVERLOAD - 1))):
            result, counts = _run(settings, subject, rate, volatile)
            found[name].append((result, counts))
            p99 = result.delivery_ms("p99")
            print(f"  {name}: {result.deliveries_per_s:,.0f} deliveries/s, p99 {p99:.0f} ms {result.flags or ''}")
    for name, runs in found.items():
        table.rows.append(_row(name, runs))
    section.tables.append(table)
    section.data["loads"] = {name: [(run.raw, counts) for run, counts in runs] for name, runs in found.items()}
    section.verdicts += _verdicts(settings, rate, found)


def _run(settings: Settings, subject: Trunkline, rate: int, volatile: int) -> tuple[loadgen.Load, dict[str, Any]]:
    """One run on a fresh server, and what the room counted."""
    with running(subject, settings, settings.subscribers):
        options = subject.options("idle")
        room = subject.make_room("r.bench", messages_per_s=BUDGET_PER_S * rate // RELIABLE_PER_S)
        result = loadgen.run(
            settings,
            "room",
            server_pids=subject.pids(),
            timeout_s=settings.seconds + 120,
            sessions=settings.subscribers,
            conversation=room,
            rate=rate,
            volatile_rate=volatile or None,
            seconds=settings.seconds,
            **options,
        )
        return result, subject.room_stats(room)["types"]


def _row(name: str, runs: list[tuple[loadgen.Load, dict[str, Any]]]) -> list[str]:
    last, counts = runs[-1]
    chat = counts.get("x.chat", {})
    dropped = sum(chat.get("dropped", {}).values())
    sampled = f"{chat['received']:,}, {chat['sent']:,}, {dropped:,}" if chat else "-"
    received = last.raw["reliable_received"] // last.raw["sessions"]
    times = " / ".join(f"{last.delivery_ms(q):.0f}" for q in ("p50", "p99", "p999"))
    return [
        name,
        f"{(last.raw['reliable_sent'] + last.raw['volatile_sent']) / (last.raw['seconds'] + 1.5):,.0f}",
        spread([run.deliveries_per_s for run, _ in runs]),
        f"{last.raw['reliable_sent']:,}, {received:,}",
        sampled,
        times,
        spread([run.raw["server_rss_kb"] / 1024 for run, _ in runs]),
        f"{last.server_cpu_pct:.0f} % / {last.generator_cpu_pct:.0f} %",
        "; ".join(sorted({flag for run, _ in runs for flag in run.flags})) or "none",
    ]


def exact(result: loadgen.Load, counts: dict[str, Any]) -> bool:
    """Whether what the server counted is what was sent and what the connections received."""
    raw = result.raw
    say, chat = counts["x.say"], counts.get("x.chat", {})
    dropped = chat.get("dropped", {})
    return bool(
        say["received"] == say["sent"] == raw["reliable_sent"]
        and raw["reliable_received"] == raw["reliable_sent"] * raw["sessions"]
        and say["delivered"] + raw["pulled"] == raw["reliable_received"]
        and chat.get("received", 0) == raw["volatile_sent"]
        and chat.get("received", 0) == chat.get("sent", 0) + sum(dropped.values())
        and set(dropped) <= {"over_budget"}
        and chat.get("delivered", 0) == raw["volatile_received"]
        and not raw["refused"]
    )


def _verdicts(
    settings: Settings, rate: int, found: dict[str, list[tuple[loadgen.Load, dict[str, Any]]]]
) -> list[Verdict]:
    verdicts = []
    rates = [run.deliveries_per_s for run, _ in found["target"]]
    p99 = [run.delivery_ms("p99") for run, _ in found["target"]]
    wanted = rate * settings.subscribers
    decided = None if settings.quick else min(rates) >= 0.99 * wanted
    verdicts.append(
        Verdict(
            f"room: {rate:,} messages/s to {settings.subscribers:,} members", f"{spread(rates)} deliveries/s", decided
        )
    )
    late = None if settings.quick else max(p99) <= P99_MS
    verdicts.append(Verdict(f"room: delivery p99 <= {P99_MS:.0f} ms", f"{spread(p99, 1)} ms", late))
    for name, runs in found.items():
        right = sum(exact(run, counts) for run, counts in runs)
        target = f"room, {name}: every reliable message at every member; counts and drops exact"
        verdicts.append(Verdict(target, f"{right} of {len(runs)} runs", right == len(runs)))
    before = [run.raw["server_rss_kb"] for run, _ in found["target"]]
    after = [run.raw["server_rss_kb"] for run, _ in found["overload"]]
    growth = max(after) / max(before)
    verdicts.append(
        Verdict(f"room, overload: memory at most {MEMORY_GROWTH} x", f"{growth:.2f} x", growth <= MEMORY_GROWTH)
    )
    return verdicts


def _peers(section: Section, settings: Settings, systems: Mapping[str, System]) -> None:
    runs: dict[str, list[loadgen.Load]] = {name: [] for name in systems}
    for _ in range(settings.rounds):
        for name, system in systems.items():
            with running(system, settings, settings.subscribers):
                result = load(
                    system,
                    settings,
                    "room",
                    timeout_s=settings.seconds + 120,
                    sessions=settings.subscribers,
                    in_flight=WINDOW,
                    seconds=settings.seconds,
                )
            print(f"  {WINDOW} under way, {name}: {result.deliveries_per_s:,.0f} deliveries/s {result.flags or ''}")
            runs[name].append(result)
    ours = [run.deliveries_per_s for run in runs.get("trunkline", [])]
    table = Table(
        [
            f"{WINDOW} under way",
            "deliveries/s",
            "Trunkline / this",
            "delivery p50 / p99 ms",
            "CPU server / generator",
            "flags",
        ]
    )
    for name, results in runs.items():
        last = results[-1]
        theirs = [run.deliveries_per_s for run in results]
        table.rows.append(
            [
                label(systems[name]),
                spread(theirs),
                "1" if name == "trunkline" else (spread(ratios(ours, theirs), 2) if ours else "-"),
                f"{last.delivery_ms('p50'):.0f} / {last.delivery_ms('p99'):.0f}",
                f"{last.server_cpu_pct:.0f} % / {last.generator_cpu_pct:.0f} %",
                "; ".join(sorted({flag for run in results for flag in run.flags})) or "none",
            ]
        )
        if name != "trunkline":
            flags = [flag for run in results for flag in run.flags]
            section.verdicts.append(
                ratio_verdict(
                    f"room: more deliveries than {systems[name].label}",
                    [] if settings.quick else ratios(ours, theirs),
                    1.0,
                    flags,
                )
            )
    section.tables.append(table)
    section.data["peers"] = {name: [run.raw for run in results] for name, results in runs.items()}
