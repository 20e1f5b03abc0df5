"""Named places where a test may crash the process or make something go wrong.

Lives here: the registry of all fault points and the switch a test throws. In production no hook is
installed and ``hit`` is one global look-up and a comparison.
Does not live here: what a fault does (a test's hook decides), nor faults of files (``tests/faults``).

A point is added to the enum first; the tests assert that every enumerated point was crashed at, so
a point without a test, or code moved past its point, cannot go unnoticed.
"""

from __future__ import annotations

import enum
from collections.abc import Callable


class FaultPoint(enum.StrEnum):
    """Every place that can be crashed at, as ``<part>.<when>``."""

    JOURNAL_BEFORE_WRITE = "journal.before_write"
    JOURNAL_AFTER_WRITE = "journal.after_write"
    JOURNAL_AFTER_FSYNC = "journal.after_fsync"
    JOURNAL_AFTER_MARK = "journal.after_mark"
    JOURNAL_BEFORE_RESTORE = "journal.before_restore"
    JOURNAL_AFTER_RESTORE = "journal.after_restore"
    JOURNAL_BEFORE_ROLL = "journal.before_roll"
    JOURNAL_AFTER_SEAL = "journal.after_seal"
    JOURNAL_AFTER_CREATE_SEGMENT = "journal.after_create_segment"
    JOURNAL_AFTER_RENAME_SEGMENT = "journal.after_rename_segment"
    JOURNAL_AFTER_ROLL = "journal.after_roll"
    JOURNAL_INSIDE_MAKE_SPARE = "journal.inside_make_spare"
    JOURNAL_AFTER_MAKE_SPARE = "journal.after_make_spare"
    JOURNAL_BEFORE_TRIM = "journal.before_trim"
    JOURNAL_AFTER_TRIM_UNLINK = "journal.after_trim_unlink"
    JOURNAL_AFTER_CREATE_MARK = "journal.after_create_mark"
    JOURNAL_BEFORE_RECOVERY = "journal.before_recovery"
    JOURNAL_AFTER_RECOVERY_TRUNCATE = "journal.after_recovery_truncate"
    JOURNAL_AFTER_RECOVERY_REWRITE = "journal.after_recovery_rewrite"
    JOURNAL_AFTER_RECOVERY_FSYNC = "journal.after_recovery_fsync"

    SDK_AFTER_PERSIST = "sdk.after_persist"
    SDK_BEFORE_SEND = "sdk.before_send"
    SDK_AFTER_SEND = "sdk.after_send"
    SDK_AFTER_ACK = "sdk.after_ack"
    SDK_AFTER_ACK_STORED = "sdk.after_ack_stored"
    SDK_BEFORE_APPLY = "sdk.before_apply"
    SDK_INSIDE_APPLY = "sdk.inside_apply"
    SDK_AFTER_APPLY = "sdk.after_apply"
    SDK_BEFORE_DELIVERY = "sdk.before_delivery"
    SDK_AFTER_DELIVERY = "sdk.after_delivery"
    SDK_AFTER_CURSOR = "sdk.after_cursor"


_hook: Callable[[FaultPoint], None] | None = None


def hit(point: FaultPoint) -> None:
    """Say that execution has reached ``point``; does nothing unless a test installed a hook."""
    if _hook is not None:
        _hook(point)


def install(hook: Callable[[FaultPoint], None]) -> None:
    """Call ``hook`` at every point from now on. For tests only; one hook at a time.

    Raises:
        RuntimeError: a hook is installed already, so an earlier test did not clean up.
    """
    global _hook
    if _hook is not None:
        raise RuntimeError("a fault hook is already installed; uninstall it first")
    _hook = hook


def uninstall() -> None:
    """Remove the hook, if there is one."""
    global _hook
    _hook = None
