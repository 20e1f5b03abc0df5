"""The media worker: a process that loads the libraries once and forks a short-lived child for every content.

A child gets little memory and time, may write nothing, and cannot outlive its deadline; when a crafted content brings
it down, one job fails and nothing else notices. Run by ``process`` as ``python -I -m trunkline.media.inspect.worker``;
it ends when its standard input does.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import resource
import select
import signal
import sys
import time
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from trunkline.base.errors import Code, TrunklineError
from trunkline.media.inspect.inspection import inspect
from trunkline.media.inspect.jobs import HEADER_BYTES, MAX_ANSWER_BYTES, Done, Job, decode_job, frame

_PR_SET_PDEATHSIG = 1
_PR_SET_NO_NEW_PRIVS = 38
_CLONE_NEWUSER_AND_NEWNET = 0x10000000 | 0x40000000
_BYTES_PER_CPU_S = 100_000_000
_OPEN_FILES = 32
_PAGE_BYTES = resource.getpagesize()


class Child(NamedTuple):
    """A job under way."""

    pid: int
    job: Job
    until_s: float
    answer: bytearray


def main() -> None:
    """Serve jobs until the input ends."""
    _preload()
    children: dict[int, Child] = {}
    waiting = bytearray()
    try:
        while True:
            ready, _, _ = select.select([0, *children], [], [], _wait_s(children.values(), time.monotonic()))
            for descriptor in ready:
                if descriptor:
                    _read_child(descriptor, children)
                    continue
                data = os.read(0, 65536)
                if not data:
                    return
                waiting += data
                _start_jobs(waiting, children)
            now_s = time.monotonic()
            for descriptor, child in list(children.items()):
                if child.until_s <= now_s:
                    _end(descriptor, children, "took too long")
    finally:
        for child in children.values():
            os.kill(child.pid, signal.SIGKILL)


def _wait_s(children: Iterable[Child], now_s: float) -> float | None:
    """How long nothing has to be done by itself; None without children: until something comes."""
    until_s = min((child.until_s for child in children), default=None)
    return None if until_s is None else max(0.0, until_s - now_s)


def _preload() -> None:
    """Load what children need; a library that is missing is reported by the job that needs it."""
    with contextlib.suppress(ImportError):
        from PIL import Image

        import trunkline.media.inspect.pictures

        Image.init()
    with contextlib.suppress(ImportError):
        import trunkline.media.inspect.sound_video  # noqa: F401


def _start_jobs(waiting: bytearray, children: dict[int, Child]) -> None:
    while len(waiting) >= HEADER_BYTES:
        end = HEADER_BYTES + int.from_bytes(waiting[:HEADER_BYTES], "big")
        if len(waiting) < end:
            return
        job = decode_job(bytes(waiting[HEADER_BYTES:end]))
        del waiting[:end]
        _start(job, children)


def _start(job: Job, children: dict[int, Child]) -> None:
    reader, writer = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            # The child's own pipe replaces the connection to the server.
            os.dup2(writer, 1)
            devnull = os.open(os.devnull, os.O_RDWR)
            os.dup2(devnull, 0)
            os.dup2(devnull, 2)
            os.closerange(3, 256)
            _work(job)
        finally:
            os._exit(0)
    os.close(writer)
    more_s = _size_of(job.path) / _BYTES_PER_CPU_S
    children[reader] = Child(pid, job, time.monotonic() + job.limits.deadline_s + more_s, bytearray())


def _size_of(path: str) -> int:
    try:
        return Path(path).stat().st_size
    except OSError:
        return 0


def _work(job: Job) -> None:
    """In the child: inspect, and write the answer."""
    try:
        with Path(job.path).open("rb") as file:
            _confine(job, os.fstat(file.fileno()).st_size)
            done = Done(id=job.id, inspection=inspect(file, job.claimed, job.limits))
    except TrunklineError as error:
        done = Done(id=job.id, code=error.code.number, detail=error.detail)
    except ImportError as error:
        done = Done(id=job.id, code=Code.NOT_INSTALLED.number, detail=f"A library is missing: {error.name}.")
    except FileNotFoundError:
        done = Done(id=job.id, code=Code.UPLOAD_GONE.number, detail="The upload is gone.")
    except MemoryError:
        done = Done(id=job.id, code=Code.FILE_UNREADABLE.number, detail="Reading it takes too much memory.")
    data = memoryview(frame(done))
    while data:
        data = data[os.write(1, data) :]


def _confine(job: Job, size_bytes: int) -> None:
    """Take away what a child does not need."""
    libc = ctypes.CDLL(None)
    libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    # Where the kernel allows it, without any network; elsewhere the demuxers' own limits have to do.
    libc.unshare(_CLONE_NEWUSER_AND_NEWNET)
    limits = job.limits
    mapped = int(Path("/proc/self/statm").read_text().split()[0]) * _PAGE_BYTES
    cpu_s = limits.cpu_s + size_bytes // _BYTES_PER_CPU_S
    for what, value in (
        (resource.RLIMIT_AS, mapped + limits.memory_bytes),
        (resource.RLIMIT_CPU, cpu_s),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_NOFILE, _OPEN_FILES),
    ):
        resource.setrlimit(what, (value, value))


def _read_child(descriptor: int, children: dict[int, Child]) -> None:
    child = children[descriptor]
    data = os.read(descriptor, 1 << 16)
    child.answer.extend(data)
    if not data:
        _end(descriptor, children, "needs more memory or time than is allowed")
    elif len(child.answer) > MAX_ANSWER_BYTES:
        _end(descriptor, children, "gives too large an answer")


def _end(descriptor: int, children: dict[int, Child], otherwise: str) -> None:
    """Pass on the whole answer of a child, or say that there is none."""
    child = children.pop(descriptor)
    os.close(descriptor)
    with contextlib.suppress(ProcessLookupError):
        os.kill(child.pid, signal.SIGKILL)
    os.waitpid(child.pid, 0)
    answer = bytes(child.answer)
    if len(answer) < HEADER_BYTES or len(answer) != HEADER_BYTES + int.from_bytes(answer[:HEADER_BYTES], "big"):
        detail = f"The content cannot be read: it {otherwise}."
        answer = frame(Done(id=child.job.id, code=Code.FILE_UNREADABLE.number, detail=detail))
    data = memoryview(answer)
    while data:
        data = data[os.write(1, data) :]


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        main()
    except BrokenPipeError:
        sys.exit(0)
