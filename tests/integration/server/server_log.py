"""The server's log as its operator reads it: JSON objects, one per line; and waiting for one of them."""

from __future__ import annotations

import json
from typing import Any

from tests.claims.server_process import ServerProcess
from tests.integration.sdk.conftest import until


class ServerLog:
    """What a server logs from now on."""

    def __init__(self, process: ServerProcess) -> None:
        self._path = process.log_path
        self._from = self._path.stat().st_size if self._path.exists() else 0

    def text(self) -> str:
        """Everything since, as written."""
        return self._path.read_bytes()[self._from :].decode()

    def lines(self, message: str = "") -> list[dict[str, Any]]:
        """The complete JSON lines since, or those that say this."""
        whole = self.text().rpartition("\n")[0]
        found = [json.loads(line) for line in whole.splitlines() if line.startswith("{")]
        return [line for line in found if message in ("", line["message"])]

    async def said(self, message: str) -> dict[str, Any]:
        """Wait for a line that says this; the first of them."""
        await until(lambda: self.lines(message))
        return self.lines(message)[0]
