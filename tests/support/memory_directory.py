"""A temporary directory in memory, where the system has one.

For tests that open hundreds of small databases to see what is in them: how fast the disk is neither helps nor hurts
them. Tests of what survives, or of what the disk does, use the disk (``tmp_path``).
"""

from __future__ import annotations

import os
from tempfile import TemporaryDirectory

_IN_MEMORY = "/dev/shm"


def memory_directory() -> TemporaryDirectory[str]:
    """A directory that is removed at the end of the ``with`` block."""
    usable = os.access(_IN_MEMORY, os.W_OK | os.X_OK)
    return TemporaryDirectory(dir=_IN_MEMORY if usable else None)
