"""The Markdown report.

Lives here: how results read. Does not live here: measuring, plots.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from bench.results import Section, Table, Verdict

NOT_MEASURED = (
    "a network card or a real network: everything is loopback on one machine, where the sender's system call also pays "
    "for the receiver's half of TCP",
    "TLS, compression, mobile networks, thousands of reconnecting clients",
    "power loss and crashes (see docs/reliability.md), and any disk but this one",
    "more than one core per server: each is held on one core, so a peer that scales over cores does better on a bigger "
    "machine",
    "other brokers and servers, and other settings of these two: ejabberd with an SQL archive, Mosquitto saving after "
    "every message",
    "equal work: ejabberd parses XML and archives each message twice; Mosquitto keeps no history and writes nothing "
    "before it acknowledges",
)

_VERDICTS = {True: "met", False: "**missed**", None: "not decided"}


def render(sections: Sequence[Section], facts: Mapping[str, str], skipped: Mapping[str, str], *, quick: bool) -> str:
    """The whole report.

    Args:
        sections: What was measured, in order.
        facts: The machine and the program.
        skipped: Measures or peers that did not run, and why.
        quick: Whether the run was too short for its numbers to mean anything.
    """
    lines = ["# Benchmarks", ""]
    if quick:
        lines += ["> A quick run: its numbers only show that the tools work.", ""]
    lines += [
        "Written by `make bench`: one command, one run, the peers taking turns with Trunkline on the same cores. The "
        "generator is our own C program (`bench/gen`), one thread on its own core; a row in which it was 90 % busy or "
        "more is marked as a lower bound, and rows in which other programs used a measured core as disturbed.",
        "",
        "## Targets",
        "",
    ]
    verdicts = Table(["target", "measured", "verdict", "remarks"])
    verdicts.rows = [_verdict_row(verdict) for section in sections for verdict in section.verdicts]
    lines += table_lines(verdicts)
    lines += ["## Machine and program", ""]
    lines += table_lines(Table(["", ""], [[name, value] for name, value in facts.items()]))
    for section in sections:
        lines += section_lines(section)
    lines += ["## Not measured", ""]
    lines += [f"* {item}" for item in NOT_MEASURED]
    lines += [f"* {name}: {why}" for name, why in skipped.items()]
    return "\n".join(lines) + "\n"


def _verdict_row(verdict: Verdict) -> list[str]:
    return [verdict.target, verdict.measured, _VERDICTS[verdict.met], verdict.note or "-"]


def section_lines(section: Section) -> list[str]:
    lines = [f"## {section.title}", "", section.method, ""]
    for table in section.tables:
        lines += table_lines(table)
    for note in section.notes:
        lines += [note, ""]
    for plot in section.plots:
        lines += [f"![{section.title}](img/{plot})", ""]
    return lines


def table_lines(table: Table) -> list[str]:
    def line(cells: Sequence[str]) -> str:
        return "| " + " | ".join(cell.replace("|", "\\|").replace("\n", " ") for cell in cells) + " |"

    return [line(table.columns), "|" + "---|" * len(table.columns), *map(line, table.rows), ""]
