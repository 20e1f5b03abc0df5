"""Resident memory per idle, signed-in connection."""

from __future__ import annotations

from collections.abc import Mapping

from bench.peers import System, label, load, running
from bench.results import Section, Table, Verdict
from bench.settings import Settings

_METHOD = """\
{connections:,} users sign in and stay silent (heartbeats are answered). Resident memory of all server processes
before the first connection and {settle:.0f} s after the last; the difference, divided by the connections, holds all
server state: sockets' user-space buffers, sessions, parties. Kernel socket memory is not in it. ejabberd opens fewer
connections: its accounts are registered one by one."""

LIMIT_KB = 16.0
EJABBERD_CONNECTIONS = 2000


def measure(settings: Settings, systems: Mapping[str, System]) -> Section:
    """One run per system."""
    settle_s = 1.0 if settings.quick else 5.0
    method = _METHOD.format(connections=settings.idle_connections, settle=settle_s)
    section = Section("memory", "Memory per idle connection", method)
    table = Table(["system", "connections", "before MB", "after MB", "kB per connection", "opened per s"])
    found: float | None = None
    for name, system in systems.items():
        count = (
            settings.idle_connections if name != "ejabberd" else min(EJABBERD_CONNECTIONS, settings.idle_connections)
        )
        with running(system, settings, count):
            result = load(system, settings, "idle", timeout_s=300, sessions=count, seconds=settle_s)
        print(f"  {name}: {result.kb_per_connection:.2f} kB per connection")
        if name == "trunkline":
            found = result.kb_per_connection
        section.data[name] = result.raw
        table.rows.append(
            [
                label(system),
                f"{count:,}",
                f"{result.rss_before_kb / 1024:.1f}",
                f"{result.rss_after_kb / 1024:.1f}",
                f"{result.kb_per_connection:.2f}",
                f"{result.opened_per_s:,.0f}",
            ]
        )
    section.tables.append(table)
    target = f"<= {LIMIT_KB:.0f} kB per idle connection, {settings.idle_connections:,} connections"
    if found is None:
        section.verdicts.append(Verdict(target, "not measured", None))
    else:
        section.verdicts.append(Verdict(target, f"{found:.2f} kB", found <= LIMIT_KB))
    return section
