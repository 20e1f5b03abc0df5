"""A little application that sends one file, can be killed while it does, and started again.

Arguments: url, token, store, to, path, and when to die: a number of bytes sent, a fault point, or "-". It ends with
exit code 0 when nothing is left to be sent.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from pathlib import Path

from trunkline.base import faultpoints
from trunkline.base.faultpoints import FaultPoint
from trunkline.client import Client
from trunkline.client.store.uploads import UploadRow


def die() -> None:
    """As by SIGKILL from outside."""
    os.kill(os.getpid(), signal.SIGKILL)


async def run(url: str, token: str, store: str, to: str, path: str, when: str) -> None:
    def watch(_upload: UploadRow, sent_bytes: int) -> None:
        if when.isdecimal() and sent_bytes >= int(when):
            die()

    def hook(reached: FaultPoint) -> None:
        if reached.value == when:
            die()

    faultpoints.install(hook)
    asked = Path(store + ".asked")
    async with Client(url, token, store) as client:
        client.files.watch(watch)
        if not asked.exists():
            asked.touch()
            client.files.send_nowait(to, path, content={"caption": "mine"})
        async with asyncio.timeout(100):
            while client.files.waiting() or any(row.status == "pending" for row in client.unsent(to)):
                await asyncio.sleep(0.01)


asyncio.run(run(*sys.argv[1:]))
