"""Everything that can go wrong with a journal, each with a stable code and an advice.

Lives here: the exceptions of the format, the scanner and the ``Journal`` port. They say what is
known about the outcome: *definitely not applied*, *unknown*, or *the stored bytes are damaged*.
Does not live here: the codes an edge shows to a client (``base/errors.py``).
"""

from __future__ import annotations

from typing import ClassVar


class JournalError(Exception):
    """Base of all journal errors; ``code`` is stable and documented in docs/reference/journal.md."""

    code: ClassVar[str] = "journal_error"


class JournalNotApplied(JournalError):
    """The append did definitely not happen; the journal is as before and may be used on.

    ``errno`` is the system's error number (28 is a full disk), or None when no system call failed.
    """

    code = "journal_not_applied"

    def __init__(self, message: str, errno: int | None = None) -> None:
        super().__init__(message)
        self.errno = errno


class JournalPayloadTooLarge(JournalNotApplied):
    """One commit group is larger than a frame may be; split it."""

    code = "journal_payload_too_large"


class JournalFailed(JournalError):
    """It is unknown what reached the disk; no append works until the journal is opened again."""

    code = "journal_failed"


class JournalClosed(JournalError):
    """The journal was closed; a use after ``close`` is a defect of the caller."""

    code = "journal_closed"


class JournalTrimmed(JournalError):
    """The wanted frames were trimmed away; the reader has to start from a snapshot."""

    code = "journal_trimmed"


class JournalTooShort(JournalError):
    """Somebody knows a later position than the journal has: committed frames are missing."""

    code = "journal_too_short"


class JournalCorrupt(JournalError):
    """Committed bytes are damaged or missing, and no crash can explain it.

    The store must not open: continuing would silently lose what was acknowledged.
    """

    code = "journal_corrupt"

    def __init__(self, file: str, offset: int, reason: str) -> None:
        super().__init__(
            f"journal file {file} is damaged at byte {offset}: {reason}. Nothing was changed. "
            "Keep a copy of the directory and restore the store from a backup."
        )
        self.file = file
        self.offset = offset
        self.reason = reason


class JournalUnsupported(JournalError):
    """The files are sound but were written in a format that this version does not read."""

    code = "journal_unsupported"


class JournalWrongStore(JournalError):
    """The files belong to another store than the one asked for."""

    code = "journal_wrong_store"
