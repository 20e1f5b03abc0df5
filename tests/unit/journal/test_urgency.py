"""A thread that asks for short turns has them; nothing else changes, and without the right to them it works on."""

from __future__ import annotations

import ctypes
import os
import struct
import threading

import pytest

from trunkline.store.journal import urgency

GETATTR = {"x86_64": 315, "aarch64": 275}


def turn_ns() -> tuple[int, int]:
    """The calling thread's nice value and turn."""
    room = ctypes.create_string_buffer(48)
    assert ctypes.CDLL(None).syscall(GETATTR[os.uname().machine], 0, room, 48, 0) == 0
    _, _, _, nice, _, runtime_ns, _, _ = struct.unpack("IIQiIQQQ", room.raw)
    return nice, runtime_ns


@pytest.mark.skipif(os.uname().machine not in GETATTR, reason="another machine")
def test_the_thread_that_asks_has_short_turns_and_no_other() -> None:
    seen: list[tuple[bool, int, int]] = []

    def run() -> None:
        seen.append((urgency.ask_for_short_turns(), *turn_ns()))

    before = turn_ns()
    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    assert turn_ns() == before
    given, nice, runtime_ns = seen[0]
    if not given:
        pytest.skip("this system gives none")
    assert nice in (min(before[0], urgency.URGENT_NICE), before[0])
    assert runtime_ns in (urgency.SHORT_TURN_NS, 0), "kernels before 6.12 take it and forget it"


def test_an_unknown_machine_goes_without(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(urgency, "_SYSCALLS", {})
    assert urgency.ask_for_short_turns() is False
