"""All media loads in one run: ``python -m bench.rtc.run``, inside a network namespace of its own (see ``bench.media``).

Prints one line of JSON per load. Lives here: what is loaded and how. Does not live here: what the numbers mean.
"""

from __future__ import annotations

import argparse
import asyncio
import dataclasses
import json
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from bench.loadgen import DISTURBED_PCT
from bench.peers import Unavailable
from bench.processes import pin_and_bind
from bench.rtc.client import GCM, SO_RCVBUFFORCE, Caller
from bench.rtc.janus import Janus
from bench.rtc.load import Load, Result
from bench.rtc.trunkline import SSRC, Room
from bench.settings import BUILD_DIR, Settings

HOST = "10.99.0.1"
"""The one end of a pair of interfaces that lead nowhere: Janus takes no loopback candidates. Packets stay on ``lo``."""
COMPARED = (
    ("10 subscribers, bursts of 4", 10, 3000.0, 4),
    ("30 subscribers, bursts of 4", 30, 1000.0, 4),
    ("10 subscribers, single packets", 10, 3000.0, 1),
    ("30 subscribers, single packets", 30, 1500.0, 1),
)
SIZE = 1100
MEETING = 17
SENT = [("audio", 1), ("video", 3)]
LISTENERS = 10_000
COLLECT_S = 0.001
KEYS_BYTES = 28


def cpu_s(pids: list[int]) -> float:
    """CPU time of all threads of some processes, in the kernel's own nanoseconds."""
    total = 0
    for pid in pids:
        for task in Path(f"/proc/{pid}/task").glob("*/schedstat"):
            total += int(task.read_text().split()[0])
    return total / 1e9


def busy_s(core: int) -> float:
    """Time a core spent on anything so far, the host's share included."""
    for line in Path("/proc/stat").read_text().splitlines():
        words = line.split()
        if words[0] == f"cpu{core}":
            user, nice, system, _, _, irq, softirq, steal = map(int, words[1:9])
            return (user + nice + system + irq + softirq + steal) / os.sysconf("SC_CLK_TCK")
    return 0.0


class Watch:
    """What other programs took of the server's core while something was measured.

    Args:
        core: the server's.
        counted: gives its CPU time so far.
    """

    def __init__(self, core: int, counted: Callable[[], float]) -> None:
        self._core, self._counted = core, counted
        self._begun = (time.monotonic(), busy_s(core), counted())

    def end(self) -> dict[str, float]:
        """The server's CPU seconds, and the share of its core that others had."""
        begun_s, busy, used = self._begun
        used = self._counted() - used
        passed_s = time.monotonic() - begun_s
        return {"server_cpu_s": used, "other_pct": max(100 * (busy_s(self._core) - busy - used) / passed_s, 0.0)}


def resident_mb(pids: list[int]) -> float:
    """Memory of some processes."""
    pages = sum(int(Path(f"/proc/{pid}/statm").read_text().split()[1]) for pid in pids)
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def tell(kind: str, name: str, result: Result | None = None, **more: Any) -> None:
    """One line of the result."""
    line: dict[str, Any] = {"kind": kind, "name": name, **more}
    if result is not None:
        flags = list(result.flags)
        if more.get("other_pct", 0.0) > DISTURBED_PCT:
            flags.append(f"disturbed: other programs used {more['other_pct']:.0f} % of the server's core")
        line |= dataclasses.asdict(result) | {"flags": flags, "generator_pct": result.generator_pct}
    print(json.dumps(line), flush=True)


# --- one publisher, some subscribers, either server ---------------------------------------------


async def compare(make: Any, settings: Settings, case: tuple[str, int, float, int], seconds: float) -> bool:
    """One load on a fresh server; whether it could be measured."""
    name, subscribers, rate, burst = case
    server = make(settings, HOST)
    directory = settings.work_dir / server.label.split()[0].lower()
    shutil.rmtree(directory, ignore_errors=True)
    directory.mkdir(parents=True)
    callers: list[Caller] = []
    load = Load()
    try:
        server.start(directory)
        idle_mb = resident_mb(server.pids())
        callers.append(Caller(HOST))
        needs = await server.publish(callers[0])
        for _ in range(subscribers):
            callers.append(Caller(HOST))
            await server.subscribe(callers[-1])
            load.receiver(callers[-1].socket.fileno(), GCM, callers[-1].receiving_keys)
        sender = load.sender(GCM, callers[0].sending_keys)
        load.stream(
            callers[0].socket.fileno(), callers[0].remote, sender, needs["ssrc"], needs["payload_type"],
            video=True, size=SIZE, burst=burst, rate=rate, extensions=needs["extensions"] | {3: b"\0\0"},
        )  # fmt: skip
        await asyncio.sleep(0.5)
        watch = Watch(settings.server_core, lambda: cpu_s(server.pids()))
        result = await asyncio.to_thread(load.run, seconds)
        more = {**watch.end(), "system": server.label, "idle_mb": idle_mb, "mb": resident_mb(server.pids())}
        tell("compare", name, result, subscribers=subscribers, rate=rate, burst=burst, **more)
        return True
    except Exception as why:
        tell("failed", name, system=server.label, why=f"{why!r} {server.log_tail()[-600:]}")
        return False
    finally:
        if isinstance(server, Room):
            await server.leave()
        server.stop()
        for caller in callers:
            caller.close()
        load.close()


# --- a meeting --------------------------------------------------------------------------------------


async def meeting(settings: Settings, seconds: float) -> None:
    """Everybody sends sound and three layers, and gets everybody else's highest."""
    room = Room(settings, HOST)
    directory = settings.work_dir / "meeting"
    shutil.rmtree(directory, ignore_errors=True)
    directory.mkdir(parents=True)
    callers: list[Caller] = []
    load = Load()
    try:
        room.start(directory)
        before_mb = resident_mb(room.pids())
        others = ["audio", "video"] * (MEETING - 1)
        places = []
        for n in range(MEETING):
            callers.append(Caller(HOST))
            places.append(await room.enter(callers[-1], f"p{n}", subscribe=True))
            await places[-1].announce(SENT)
            await callers[-1].connect(await places[-1].offer(SENT, []), controls=True)
        for place in places:
            await place.offer(SENT, others)
        for caller in callers:
            load.receiver(caller.socket.fileno(), GCM, caller.receiving_keys)
            sender = load.sender(GCM, caller.sending_keys)
            fd, to = caller.socket.fileno(), caller.remote
            load.stream(
                fd, to, sender, SSRC, 111, video=False, size=100, burst=1, rate=50,
                extensions={4: b"0", 1: b"\x20", 3: b"\0\0"},
            )  # fmt: skip
            for layer, (burst, rate) in enumerate(((1, 20.0), (2, 60.0), (6, 180.0))):
                rid = "qhf"[layer].encode()
                load.stream(
                    fd, to, sender, SSRC + 10 + layer, 96, video=True, size=1000, burst=burst, rate=rate,
                    extensions={4: b"1", 10: rid, 3: b"\0\0"},
                )  # fmt: skip
        await asyncio.sleep(0.5)
        watch = Watch(settings.server_core, lambda: cpu_s(room.pids()))
        result = await asyncio.to_thread(load.run, seconds)
        tell("meeting", "17", result, **watch.end(), mb=resident_mb(room.pids()), idle_mb=before_mb)
    except Exception as why:
        tell("failed", "meeting", system="Trunkline", why=f"{why!r} {room.log_tail()[-600:]}")
    finally:
        await room.leave()
        room.stop()
        for caller in callers:
            caller.close()
        load.close()


# --- the packet thread alone ------------------------------------------------------------------------


class Bare:
    """A process with a packet thread, one speaker and some listeners."""

    def __init__(
        self, settings: Settings, speaker: socket.socket, listeners: list[Any], keys: bytes, **plan: Any
    ) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "bench.rtc.bare"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, preexec_fn=pin_and_bind(settings.server_core),
        )  # fmt: skip
        plan |= {"host": HOST, "keys": keys.hex(), "speaker": speaker.getsockname(), "listeners": listeners}
        self.address = (HOST, int(self._ask(json.dumps(plan))["port"]))

    def _ask(self, line: str) -> dict[str, Any]:
        assert self._process.stdin is not None and self._process.stdout is not None
        self._process.stdin.write(line + "\n")
        self._process.stdin.flush()
        return dict(json.loads(self._process.stdout.readline()))

    def counts(self) -> dict[str, Any]:
        """What it has counted."""
        return self._ask("")

    def close(self) -> None:
        """End it."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait()


def bound(buffer_bytes: int = 8 << 20, host: str = HOST) -> socket.socket:
    """A UDP socket with room to receive."""
    made = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    made.bind((host, 0))
    made.setblocking(False)
    made.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, buffer_bytes)
    return made


def latency(settings: Settings, seconds: float, *, busy: bool) -> None:
    """600 packets a second to 10: how late they are, with Python idle or as busy as it can be."""
    keys = os.urandom(KEYS_BYTES)
    speaker, listeners = bound(), [bound() for _ in range(10)]
    names = [one.getsockname() for one in listeners]
    bare = Bare(settings, speaker, names, keys, video=True, busy=busy)
    load = Load()
    for one in listeners:
        load.receiver(one.fileno(), GCM, keys)
    sender = load.sender(GCM, keys)
    load.stream(
        speaker.fileno(), bare.address, sender, SSRC, 96, video=True, size=SIZE, burst=1, rate=600, extensions={4: b"0"}
    )
    watch = Watch(settings.server_core, lambda: float(bare.counts()["cpu_s"]))
    result = load.run(seconds)
    tell("latency", "busy" if busy else "idle", result, **watch.end())
    load.close()
    bare.close()
    for one in (speaker, *listeners):
        one.close()


def direct(seconds: float) -> None:
    """The same without a server: from a socket to a socket."""
    speaker, listener = bound(), bound()
    load = Load()
    load.receiver(listener.fileno(), 0, b"")
    load.stream(speaker.fileno(), listener.getsockname(), -1, SSRC, 96, video=True, size=SIZE, burst=1, rate=600)
    tell("latency", "direct", load.run(seconds))
    load.close()
    speaker.close()
    listener.close()


def audience(settings: Settings, seconds: float, listeners: int) -> None:
    """One speaker, very many listeners, each at an address of its own; what arrives is counted by the kernel."""
    keys = os.urandom(KEYS_BYTES)
    speaker, sink = bound(), bound(512 << 20, "0.0.0.0")
    port = sink.getsockname()[1]
    names = [(f"127.{1 + n // 62_500}.{n // 250 % 250 + 1}.{n % 250 + 1}", port) for n in range(listeners)]
    bare = Bare(settings, speaker, names, keys, video=False, busy=False)
    load = Load()
    load.receiver(sink.fileno(), GCM, keys)  # sources are more than it tells apart: it counts those it can
    sender = load.sender(GCM, keys)
    load.stream(
        speaker.fileno(), bare.address, sender, SSRC, 96, video=False, size=120, burst=1, rate=12,
        extensions={4: b"0", 1: b"\x20"},
    )  # fmt: skip
    load.run(1.0, COLLECT_S)  # memory is touched for the first time
    before = bare.counts()
    watch = Watch(settings.server_core, lambda: float(bare.counts()["cpu_s"]))
    result = load.run(seconds, COLLECT_S)
    found = watch.end()
    after = bare.counts()
    sent = after["totals"]["sent"] - before["totals"]["sent"]
    tell("audience", str(listeners), result, **found, out=sent, bytes=after["bytes"], totals=after["totals"])
    load.close()
    bare.close()
    for one in (speaker, sink):
        one.close()


def main() -> None:
    """Everything, or what ``--only`` names."""
    parser = argparse.ArgumentParser(prog="python -m bench.rtc.run", description=__doc__)
    parser.add_argument("--seconds", type=float, default=5.0)
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--server-core", type=int, default=0)
    parser.add_argument("--generator-core", type=int, default=1)
    parser.add_argument("--listeners", type=int, default=LISTENERS)
    parser.add_argument("--only", default="compare,meeting,latency,audience")
    parser.add_argument("--work-dir", type=Path, default=BUILD_DIR / f"media-{os.getpid()}")
    given = parser.parse_args()
    os.sched_setaffinity(0, {given.generator_core})
    settings = dataclasses.replace(
        Settings(), server_core=given.server_core, generator_core=given.generator_core, work_dir=given.work_dir
    )
    only = given.only.split(",")
    begun = time.monotonic()
    try:
        if "compare" in only:
            for _ in range(given.rounds):
                for case in COMPARED:
                    for make in (Janus, Room):
                        try:
                            if not asyncio.run(compare(make, settings, case, given.seconds)):
                                asyncio.run(compare(make, settings, case, given.seconds))
                        except Unavailable as why:
                            tell("unavailable", case[0], why=str(why))
        if "meeting" in only:
            asyncio.run(meeting(settings, given.seconds))
        if "latency" in only:
            direct(given.seconds)
            for busy in (False, True):
                latency(settings, given.seconds, busy=busy)
        if "audience" in only:
            audience(settings, given.seconds, given.listeners)
    finally:
        shutil.rmtree(given.work_dir, ignore_errors=True)
    tell("done", f"{time.monotonic() - begun:.0f} s")


if __name__ == "__main__":
    main()
