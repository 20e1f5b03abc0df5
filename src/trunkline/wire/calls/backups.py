"""Backups of the store: for the operator."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta, Struct

BackupName = Annotated[str, Meta(min_length=1, max_length=64, pattern=r"^[A-Za-z0-9][A-Za-z0-9._\-]{0,63}$")]


class BackupStart(Struct):
    """Operator: begin a backup; it appears under this name in the configured directory when it is complete."""

    name: BackupName


class BackupGet(Struct):
    """Operator: how the last backup went."""


class Backup(Struct, omit_defaults=True, kw_only=True):
    """The last backup since the server started: ``none``, ``running``, ``done`` or ``failed`` (``detail`` says why)."""

    state: Literal["none", "running", "done", "failed"]
    name: str = ""
    path: str = ""
    started_at_ms: int = 0
    took_ms: int = 0
    epoch: int = 0
    last_lsn: int = 0
    size_bytes: int = 0
    detail: str = ""
