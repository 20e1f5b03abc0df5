"""Asking the scheduler to let a thread go first, for a moment: whoever waits for the disk wakes whoever waits for it.

On a core that the event loop keeps busy, a thread whose fdatasync has ended otherwise waits until the loop's turn is
over: four milliseconds, where the disk took half of one. Short turns (Linux 6.12) and a little more weight let it in at
once; it needs the core for some fifty microseconds. The packet thread asks for the same (``media/kernel/port.c``).

Not here: what the thread does.
"""

from __future__ import annotations

import ctypes
import os
import struct
from typing import Final

SHORT_TURN_NS: Final = 100_000
URGENT_NICE: Final = -11
_SYSCALLS: Final = {"x86_64": 314, "aarch64": 274}
"""``sched_setattr``, which the C library has not had a name for until lately."""
_ATTRIBUTES: Final = struct.Struct("IIQiIQQQ")


def ask_for_short_turns() -> bool:
    """Ask for the calling thread; whether short turns were given. Without the right to more weight it goes without."""
    number = _SYSCALLS.get(os.uname().machine)
    if number is None or os.sched_getscheduler(0) != os.SCHED_OTHER:  # somebody has decided about it
        return False
    present = os.getpriority(os.PRIO_PROCESS, 0)
    library = ctypes.CDLL(None, use_errno=True)
    for nice in (min(present, URGENT_NICE), present):
        attributes = _ATTRIBUTES.pack(_ATTRIBUTES.size, 0, 0, nice, 0, SHORT_TURN_NS, 0, 0)
        if library.syscall(number, 0, attributes, 0) == 0:
            return True
    return False
