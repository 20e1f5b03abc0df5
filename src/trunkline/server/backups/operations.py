"""Backups of the running server: one at a time, begun and watched by the operator over REST."""

from __future__ import annotations

import asyncio
import logging
import time
from pathlib import Path

import msgspec

from trunkline.base.errors import Code, TrunklineError
from trunkline.domain.identity import Caller
from trunkline.protocol.journal.errors import JournalError
from trunkline.server.backups.manifest import BackupError
from trunkline.server.backups.take import check_target, take_backup
from trunkline.server.store import Store
from trunkline.services.operation import Audience, Operation
from trunkline.wire.calls.backups import Backup, BackupGet, BackupStart

log = logging.getLogger("trunkline.server.backups")


class Backups:
    """Takes backups of one open store.

    Args:
        store: what is backed up.
        directory: where backups appear.
        version: of this program.
    """

    def __init__(self, store: Store, directory: Path, version: str) -> None:
        self._store = store
        self._directory = directory
        self._version = version
        self._task: asyncio.Task[None] | None = None
        self._closing = False
        self.last = Backup(state="none")

    async def start(self, caller: Caller, request: BackupStart) -> Backup:
        """Begin a backup.

        Raises:
            TrunklineError: ``BUSY`` while another one runs, ``ALREADY_EXISTS``, ``LIMIT_EXCEEDED`` for a bad place.
        """
        if self._task is not None and not self._task.done():
            raise TrunklineError(Code.BACKUP_RUNNING, f"the backup {self.last.name} is being taken", retry_ms=5_000)
        target = self._directory / request.name
        if target.exists():
            raise TrunklineError(Code.ALREADY_EXISTS, f"{target} exists already; choose another name", field="name")
        try:
            check_target(target, self._store.directory)
        except BackupError as error:
            raise TrunklineError(Code.FORBIDDEN, str(error), field="name") from error
        now_ms = time.time_ns() // 1_000_000
        self.last = Backup(state="running", name=request.name, path=str(target), started_at_ms=now_ms)
        self._task = asyncio.get_running_loop().create_task(self._take(target), name="backup")
        return self.last

    async def get(self, caller: Caller, request: BackupGet) -> Backup:
        """How the last one goes or went."""
        return self.last

    async def close(self) -> None:
        """Stop a backup that runs; nothing of it is left."""
        self._closing = True
        if self._task is not None:
            await self._task

    async def _take(self, target: Path) -> None:
        began_s = time.monotonic()
        running = self.last
        try:
            manifest = await take_backup(self._store, target, self._version, lambda: not self._closing)
        except (BackupError, OSError, JournalError) as error:
            self.last = msgspec.structs.replace(running, state="failed", took_ms=_since_ms(began_s), detail=str(error))
            log.error("backup failed", extra={"path": str(target), "error": str(error)})
        except Exception as error:
            self.last = msgspec.structs.replace(running, state="failed", took_ms=_since_ms(began_s), detail=repr(error))
            log.exception("backup failed", extra={"path": str(target)})
        else:
            self.last = msgspec.structs.replace(
                running,
                state="done",
                took_ms=_since_ms(began_s),
                epoch=manifest.epoch,
                last_lsn=manifest.last_lsn,
                size_bytes=manifest.size_bytes,
            )
            log.info("backup taken", extra={"path": str(target), "size_bytes": manifest.size_bytes})


def _since_ms(began_s: float) -> int:
    return int((time.monotonic() - began_s) * 1000)


def operations(backups: Backups) -> list[Operation]:
    """What the operator can do about backups."""
    return [
        Operation("backup.start", BackupStart, Backup, backups.start, "", "Begin a backup", Audience.OPERATOR),
        Operation(
            "backup.get",
            BackupGet,
            Backup,
            backups.get,
            "",
            "How the last backup went",
            Audience.OPERATOR,
            writes=False,
        ),
    ]
