"""Tuning of the interpreter and the allocator for a long-running server; each line says why."""

from __future__ import annotations

import ctypes
import gc
import sys

from trunkline.store.slices import ask_for_slices

_M_TRIM_THRESHOLD = -1
_M_TOP_PAD = -2
_M_MMAP_THRESHOLD = -3
_M_ARENA_MAX = -8
SWITCH_INTERVAL_S = 0.0005
SLICE_S = 0.0001
YOUNG_OBJECTS = 4_000


def tune() -> None:
    """Apply before the event loop starts."""
    # The journal's thread holds the GIL for microseconds, but waits for it up to one interval (5 ms by
    # default) whenever the loop is busy: that wait would be part of every acknowledgement.
    sys.setswitchinterval(SWITCH_INTERVAL_S)
    # The loop and the journal's thread do little at a time, and a message waits for each of their turns. Where they
    # share a core with the projector, or with each other, the kernel would let whoever runs finish its milliseconds.
    ask_for_slices(SLICE_S)
    # Nearly all objects are freed by reference counting. Young ones are looked at in small portions (half a
    # millisecond each); the older generations only from the sweep (``Collector``), because they take long.
    gc.set_threshold(YOUNG_OBJECTS, 1_000_000, 1_000_000)
    # Commit groups and coalesced writes are short-lived buffers of some 100 kB. By default glibc maps and unmaps
    # each, and the kernel clears its pages again and again (measured: 18 % of the CPU).
    try:
        libc = ctypes.CDLL(None)
        libc.mallopt(_M_MMAP_THRESHOLD, 32 << 20)
        libc.mallopt(_M_TRIM_THRESHOLD, 64 << 20)
        libc.mallopt(_M_TOP_PAD, 1 << 20)
        # One heap for all threads: the GIL serialises them anyway, and heaps of threads grow and shrink by mprotect.
        libc.mallopt(_M_ARENA_MAX, 1)
    except (OSError, AttributeError):
        pass  # another C library: it works, only slower


class Collector:
    """Runs the garbage collector at a pace that nobody notices.

    The middle generation once a minute; everything only once in a long while, because a full collection walks every
    object there is.
    """

    def __init__(self, middle_every: int = 60, full_every: int = 900) -> None:
        self._middle_every = middle_every
        self._full_every = full_every
        self._sweeps = 0

    def collect(self) -> None:
        """Call once per sweep."""
        self._sweeps += 1
        if self._sweeps % self._full_every == 0:
            gc.collect()
        elif self._sweeps % self._middle_every == 0:
            gc.collect(1)

    @staticmethod
    def settle() -> None:
        """After start-up: what is alive now stays for good and is never walked again."""
        gc.collect()
        gc.freeze()
