"""Asking the kernel's scheduler for short or long turns on the processor.

A thread that asks for short ones may interrupt, when it wakes, one that asked for longer ones (Linux 6.12 and later);
its share of the processor stays the same. It needs no right. Not here: priorities.
"""

from __future__ import annotations

import ctypes
import platform
import sys

_CALLS = {"x86_64": 314, "aarch64": 274, "riscv64": 274, "s390x": 345, "ppc64le": 355}
"""The number of ``sched_setattr`` by machine; the C library has no name for it."""


class _Attributes(ctypes.Structure):
    """``struct sched_attr``, as far as it is needed: the first published size."""

    _fields_ = (
        ("size", ctypes.c_uint32),
        ("policy", ctypes.c_uint32),
        ("flags", ctypes.c_uint64),
        ("nice", ctypes.c_int32),
        ("priority", ctypes.c_uint32),
        ("runtime_ns", ctypes.c_uint64),
        ("deadline_ns", ctypes.c_uint64),
        ("period_ns", ctypes.c_uint64),
    )


def ask_for_slices(length_s: float) -> bool:
    """Ask for turns of this length for the calling thread, and for those it starts from now on.

    Returns:
        Whether the kernel took it; one that does not know it takes it and does nothing.
    """
    call = _CALLS.get(platform.machine())
    if call is None or not sys.platform.startswith("linux"):
        return False
    attributes = _Attributes()
    libc = ctypes.CDLL(None, use_errno=True)
    attributes.size = ctypes.sizeof(attributes)
    attributes.nice = libc.getpriority(0, 0)
    attributes.runtime_ns = int(length_s * 1e9)
    return int(libc.syscall(call, 0, ctypes.byref(attributes), 0)) == 0
