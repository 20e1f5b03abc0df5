"""Time from starting the program on a large store to the first acknowledged message."""

from __future__ import annotations

import os
import statistics
import subprocess
import time
from pathlib import Path

from bench.linkclient import LinkClient, LinkRefused
from bench.loadgen import GeneratorFailed
from bench.peers import load, running
from bench.peers.trunkline import Trunkline
from bench.processes import ServerFailed
from bench.results import Section, Table, Verdict, spread
from bench.settings import Settings

_METHOD = """\
A store with {conversations:,} conversations and {entries:,} entries, written over the link. The clock runs from
starting the process to the acknowledgement of one message, sent by a client that tries to connect every 5 ms. The
store's files are put out of the page cache before each start. Clean: after a graceful stop. Killed: after SIGKILL in
the middle of a full load of 1:1 messages, so that a journal tail waits to be replayed."""

LIMIT_S = 3.0
FILLERS = 500
KILL_AFTER_S = 4.0


def measure(settings: Settings, system: Trunkline) -> Section:
    """Fills a store, then starts on it several times after each kind of end."""
    conversations, each = (2000, 5) if settings.quick else (1_000_000, 5)
    entries = conversations * each
    section = Section("cold_start", "Cold start", _METHOD.format(conversations=conversations, entries=entries))
    with running(system, settings, FILLERS):
        filled = _fill(settings, system, conversations, each)
        clean = [_start(system) for _ in range(settings.rounds)]
        killed = [_start_after_kill(settings, system) for _ in range(settings.rounds)]
    table = Table(["end before", "s to the first acknowledgement"])
    table.rows = [["clean", spread(clean, 2)], ["killed", spread(killed, 2)]]
    section.tables.append(table)
    section.notes.append(
        f"The store was filled at {filled['messages_per_s']:,.0f} messages/s, creation of the conversations included "
        f"({filled['refused']:,.0f} were refused as busy and sent again)."
    )
    section.data = {"clean_s": clean, "killed_s": killed, "filled": filled}
    worst = max(statistics.median(clean), statistics.median(killed))
    target = (
        f"cold start with {conversations:,} conversations and {entries:,} entries: < {LIMIT_S:.0f} s to the first ack"
    )
    section.verdicts.append(Verdict(target, f"{worst:.2f} s (the worse of clean and killed)", worst < LIMIT_S))
    return section


def _fill(settings: Settings, system: Trunkline, conversations: int, each: int) -> dict[str, float]:
    filled = load(
        system,
        settings,
        "fill",
        timeout_s=1800,
        sessions=FILLERS,
        in_flight=8,
        conversations=conversations,
        entries=each,
    )
    print(f"  filled at {filled.messages_per_s:,.0f} messages/s")
    begun = time.perf_counter()
    system.stop()
    print(f"  stopped in {time.perf_counter() - begun:.1f} s")
    return filled.raw


def _start(system: Trunkline) -> float:
    """One start on cold files and the graceful stop after it."""
    elapsed_s = _time_to_ack(system)
    system.stop()
    print(f"  clean start: {elapsed_s:.2f} s")
    return elapsed_s


def _start_after_kill(settings: Settings, system: Trunkline) -> float:
    system.launch()
    killer = subprocess.Popen(["sh", "-c", f"sleep {KILL_AFTER_S}; kill -KILL {system.pids()[0]}"])
    try:
        load(system, settings, "pair", timeout_s=120, sessions=FILLERS, in_flight=4, seconds=60)
    except GeneratorFailed:
        pass  # the server vanished under it, as intended
    killer.wait()
    system.stop()
    elapsed_s = _time_to_ack(system)
    system.stop()
    print(f"  start after SIGKILL: {elapsed_s:.2f} s")
    return elapsed_s


def _time_to_ack(system: Trunkline) -> float:
    _forget_cached(system.directory)
    token = system.token("user/u0")
    begun = time.perf_counter()
    system.launch(wait=False)
    while time.perf_counter() - begun < 120:
        try:
            with LinkClient(system.port, token, device="cold") as client:
                client.send_text("first", to="user/u1")
                return time.perf_counter() - begun
        except (OSError, LinkRefused):
            time.sleep(0.005)
    raise ServerFailed(f"no acknowledgement within 120 s of the start:\n{system.log_tail()}")


def _forget_cached(directory: Path) -> None:
    """Puts the store's files out of the page cache, as after a reboot."""
    os.sync()
    for path in directory.rglob("*"):
        if path.is_file():
            descriptor = os.open(path, os.O_RDONLY)
            try:
                os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
            finally:
                os.close(descriptor)
