"""``CommandScanner``: a program of the operator's choice, such as ``clamdscan --fdpass {path}``.

Its exit code is the verdict, as virus scanners have it: 0 clean, 1 refused. Anything else, or no end within the
deadline, is no verdict; then the deployment's declared choice holds.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from pathlib import Path

from trunkline.base.errors import Code, TrunklineError
from trunkline.services.files.ports import ScanSubject

log = logging.getLogger("trunkline.files")

CLEAN = 0
REFUSED = 1
_RETRY_MS = 30_000
_ENVIRONMENT = {"PATH": "/usr/local/bin:/usr/bin:/bin", "LANG": "C.UTF-8"}


class CommandScanner:
    """Implements ``services.files.ports.FileScanner``.

    Args:
        command: program and arguments; ``{path}``, ``{sha256}`` and ``{mime}`` are replaced. No shell is involved.
        timeout_s: the deadline.
        fail_open: accept contents on which there is no verdict.
    """

    def __init__(self, command: Sequence[str], timeout_s: float, *, fail_open: bool) -> None:
        self._command = tuple(command)
        self._timeout_s = timeout_s
        self._fail_open = fail_open

    async def scan(self, subject: ScanSubject, path: Path) -> str:
        """Why the content is refused; "" when it is clean.

        Raises:
            TrunklineError: ``SCAN_UNAVAILABLE``: no verdict, and the deployment fails closed.
        """
        verdict, why = await self._run(subject, path)
        if verdict == CLEAN:
            return ""
        if verdict == REFUSED:
            return "The scanner found something harmful."
        log.warning("no verdict of the file scanner", extra={"error": why, "fail_open": self._fail_open})
        if self._fail_open:
            return ""
        raise TrunklineError(Code.SCAN_UNAVAILABLE, "The scanner gave no verdict.", retry_ms=_RETRY_MS)

    async def _run(self, subject: ScanSubject, path: Path) -> tuple[int | None, str]:
        named = {"{path}": str(path), "{sha256}": subject.sha256, "{mime}": subject.mime}
        try:
            process = await asyncio.create_subprocess_exec(
                *(named.get(part, part) for part in self._command),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.DEVNULL,
                stderr=asyncio.subprocess.DEVNULL,
                cwd="/",
                env=_ENVIRONMENT,
            )
        except OSError as error:
            return None, f"it cannot be run: {error.strerror}"
        try:
            async with asyncio.timeout(self._timeout_s):
                code = await process.wait()
        except TimeoutError:
            return None, f"no verdict within {self._timeout_s:g} s"
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
        return code, f"exit code {code}"
