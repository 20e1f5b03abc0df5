"""Facts about the machine and the program that a report must name."""

from __future__ import annotations

import os
import platform
import resource
import subprocess
import time
from pathlib import Path

from bench.settings import ROOT, Settings


def _first(path: str, prefix: str) -> str:
    for line in Path(path).read_text().splitlines():
        if line.startswith(prefix):
            return line.split(":", 1)[1].strip()
    return "unknown"


def commit() -> str:
    """The commit measured, marked when the program's files differ from it."""

    def git(*arguments: str) -> str:
        done = subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True, check=False)
        return done.stdout.strip()

    found = git("rev-parse", "--short=12", "HEAD") or "unknown"
    changed = git(
        "status", "--porcelain", "--untracked-files=no", "--", "src", "bench", "pyproject.toml", "requirements"
    )
    return f"{found} with uncommitted changes" if changed else found


def fsync_us(directory: Path, rounds: int = 200) -> tuple[float, float]:
    """Median and 99th percentile of appending 200 bytes and fdatasync, in microseconds."""
    directory.mkdir(parents=True, exist_ok=True)
    path = directory / "fsync-probe"
    times = []
    descriptor = os.open(path, os.O_CREAT | os.O_WRONLY | os.O_APPEND, 0o600)
    try:
        for _ in range(rounds):
            begun = time.perf_counter()
            os.write(descriptor, b"x" * 200)
            os.fdatasync(descriptor)
            times.append((time.perf_counter() - begun) * 1e6)
    finally:
        os.close(descriptor)
        path.unlink()
    times.sort()
    return times[len(times) // 2], times[int(len(times) * 0.99)]


def disk_floor_ms(directory: Path, core: int, seconds: float) -> list[float]:
    """What the disk alone takes, in ascending milliseconds: as a server's busy journal, but with nothing else to do.

    Groups of 10 kB over zeros that are on the disk already, 3 ms between them, each with its fdatasync, on the server's
    core.
    """
    directory.mkdir(parents=True, exist_ok=True)
    path = directory / "floor-probe"
    group, size, at = b"x" * 10_000, 16 << 20, 0
    cores = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {core})
    descriptor = os.open(path, os.O_CREAT | os.O_RDWR, 0o600)
    times = []
    try:
        for piece in range(16):
            os.pwrite(descriptor, bytes(1 << 20), piece << 20)
        os.fdatasync(descriptor)
        end = time.perf_counter() + seconds
        while (begun := time.perf_counter()) < end:
            os.pwrite(descriptor, group, at)
            os.fdatasync(descriptor)
            times.append((time.perf_counter() - begun) * 1e3)
            at = (at + len(group)) % (size - len(group))
            time.sleep(0.003)
    finally:
        os.close(descriptor)
        path.unlink()
        os.sched_setaffinity(0, cores)
    return sorted(times)


def facts(settings: Settings) -> dict[str, str]:
    """Name and value, in the order of the report."""
    memory_gb = int(_first("/proc/meminfo", "MemTotal").split()[0]) / 1e6
    median, p99 = fsync_us(settings.work_dir)
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return {
        "commit": commit(),
        "date": time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime()),
        "processor": f"{_first('/proc/cpuinfo', 'model name')}, {os.cpu_count()} cores",
        "memory": f"{memory_gb:.0f} GB",
        "kernel": platform.release(),
        "system": platform.freedesktop_os_release().get("PRETTY_NAME", "unknown"),
        "Python": platform.python_version(),
        "disk": f"append of 200 bytes and fdatasync: median {median:.0f} us, p99 {p99:.0f} us",
        "open files": str(soft),
        "pinning": f"server on core {settings.server_core}, generator on core {settings.generator_core}",
        "network": "loopback, no TLS",
    }
