"""Turns on the processor: the kernel is asked, and nothing else about the thread changes."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest

from trunkline.store.slices import ask_for_slices


def slice_ns() -> int:
    """What the kernel gives this thread; skips where it does not say."""
    facts = Path(f"/proc/self/task/{threading.get_native_id()}/sched")
    lines = facts.read_text().splitlines() if facts.exists() else []
    for line in lines:
        if line.startswith("se.slice"):
            return int(line.split(":")[1])
    pytest.skip("the kernel does not say how long turns are")


def in_a_thread(length_s: float) -> tuple[bool, int, int, int]:
    """Asks in a thread that was made lower in priority; returns whether it was taken, and what holds afterwards."""
    found: list[tuple[bool, int, int, int]] = []

    def ask() -> None:
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), 7)
        taken = ask_for_slices(length_s)
        niceness = os.getpriority(os.PRIO_PROCESS, threading.get_native_id())
        try:
            found.append((taken, slice_ns(), niceness, os.sched_getscheduler(0)))
        except pytest.skip.Exception:
            found.append((taken, -1, niceness, os.sched_getscheduler(0)))

    thread = threading.Thread(target=ask)
    thread.start()
    thread.join()
    return found[0]


@pytest.mark.parametrize("length_s", [0.0001, 0.01])
def test_turns_are_asked_for_and_priority_and_policy_stay(length_s: float) -> None:
    taken, length_ns, niceness, policy = in_a_thread(length_s)
    assert niceness == 7
    assert policy == os.SCHED_OTHER
    if taken and length_ns > 0 and tuple(map(int, os.uname().release.split(".")[:2])) >= (6, 12):
        assert length_ns == int(length_s * 1e9)
