"""Who used the processors during a measure: the browser's processes, the server, the audience, and everybody else.

A benchmark of a page is only worth something when it says what it had to share its two cores with. Not here: what is
measured.
"""

from __future__ import annotations

import dataclasses
import os
import re
import time
from pathlib import Path

from bench.processes import descendants

TICKS_PER_S = os.sysconf("SC_CLK_TCK")
ROLES = (("cli serve", "server"), ("cli demo", "audience"))
ANYBODY = "others"


@dataclasses.dataclass(frozen=True)
class Usage:
    """Processor time used so far, in seconds: by each process of ours, and by the whole machine."""

    at_s: float
    machine_s: float
    processes: dict[int, tuple[str, float]]

    @classmethod
    def now(cls) -> Usage:
        """Read it."""
        processes = {}
        for pid in descendants(os.getpid()):
            try:
                stat = Path(f"/proc/{pid}/stat").read_text()
                command = Path(f"/proc/{pid}/cmdline").read_text().replace("\0", " ")
            except OSError:
                continue
            fields = stat[stat.rindex(")") + 2 :].split()
            processes[pid] = (_role(command), (int(fields[11]) + int(fields[12])) / TICKS_PER_S)
        busy = [int(field) for field in Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:9]]
        # user, nice, system, idle, iowait, irq, softirq, steal
        machine = (sum(busy) - busy[3] - busy[4]) / TICKS_PER_S
        return cls(time.monotonic(), machine, processes)

    def since(self, before: Usage) -> dict[str, float]:
        """Cores used since then, by role; `others` is what is not ours."""
        seconds = self.at_s - before.at_s
        found: dict[str, float] = {}
        for pid, (role, used_s) in self.processes.items():
            found[role] = found.get(role, 0.0) + used_s - before.processes.get(pid, ("", 0.0))[1]
        others = self.machine_s - before.machine_s - sum(found.values())
        return {role: round(used_s / seconds, 2) for role, used_s in {**found, ANYBODY: max(0.0, others)}.items()}


def _role(command: str) -> str:
    if "chromium" in command:
        kind = re.search(r"--type=([\w-]+)", command)
        return kind.group(1) if kind else "browser"
    return next((role for part, role in ROLES if part in command), "bench")


def renderer_bytes() -> int:
    """Memory of the pages' processes that they share with nobody."""
    total = 0
    for pid, (role, _) in Usage.now().processes.items():
        if role != "renderer":
            continue
        try:
            rollup = Path(f"/proc/{pid}/smaps_rollup").read_text()
        except OSError:
            continue
        total += sum(int(size) for size in re.findall(r"^Private_\w+: +(\d+) kB", rollup, re.MULTILINE)) * 1024
    return total
