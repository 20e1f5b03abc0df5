"""``ProcessInspector``: the server's side of the media worker.

Starts the worker when it is first needed, again when it has died, and bounds how many contents are looked at together
and how many may wait.
"""

from __future__ import annotations

import asyncio
import logging
import sys
from pathlib import Path

from trunkline.base.errors import Code, TrunklineError
from trunkline.media.inspect.jobs import HEADER_BYTES, MAX_ANSWER_BYTES, Done, Job, Limits, decode_done, frame
from trunkline.services.files.ports import Inspection

log = logging.getLogger("trunkline.files")

MAX_WAITING = 200
_COMMAND = (sys.executable, "-I", "-m", "trunkline.media.inspect.worker")
_ENVIRONMENT = {"PATH": "/usr/bin:/bin", "LANG": "C.UTF-8", "OMP_NUM_THREADS": "1"}
"""The worker gets no secret: nothing of the server's environment."""
_GRACE_S = 10.0
_CODES = {code.number: code for code in Code}


class ProcessInspector:
    """Implements ``services.files.ports.MediaInspector``.

    Args:
        limits: of one content.
        at_once: contents looked at together.
    """

    def __init__(self, limits: Limits, at_once: int = 2) -> None:
        self.limits = limits
        self._slots = asyncio.Semaphore(at_once)
        self._waiting = 0
        self._process: asyncio.subprocess.Process | None = None
        self._starting = asyncio.Lock()
        self._reader: asyncio.Task[None] | None = None
        self._jobs: dict[int, asyncio.Future[Done]] = {}
        self._last_id = 0

    async def inspect(self, path: Path, claimed: str) -> Inspection:
        """Find out what a content is, and make its pictures.

        Raises:
            TrunklineError: it is not accepted; or ``BUSY``.
        """
        if self._waiting >= MAX_WAITING:
            raise TrunklineError(Code.BUSY, "too many uploads are being looked at", retry_ms=2000)
        self._waiting += 1
        try:
            async with self._slots:
                done = await self._run(path, claimed)
        finally:
            self._waiting -= 1
        if done.inspection is not None:
            return done.inspection
        raise TrunklineError(_CODES[done.code], done.detail)

    async def _run(self, path: Path, claimed: str) -> Done:
        process = await self._started()
        assert process.stdin is not None
        self._last_id += 1
        job = Job(id=self._last_id, path=str(path), claimed=claimed, limits=self.limits)
        future: asyncio.Future[Done] = asyncio.get_running_loop().create_future()
        self._jobs[job.id] = future
        size_s = path.stat().st_size / 50_000_000 if path.exists() else 0.0
        try:
            process.stdin.write(frame(job))
            await process.stdin.drain()
            async with asyncio.timeout(self.limits.deadline_s + size_s + _GRACE_S):
                return await future
        except (TimeoutError, ConnectionError):
            await self._stop()
            raise TrunklineError(Code.BUSY, "the media worker was lost; it starts again", retry_ms=1000) from None
        finally:
            self._jobs.pop(job.id, None)

    async def _started(self) -> asyncio.subprocess.Process:
        async with self._starting:
            process = self._process
            if process is None or process.returncode is not None or self._reader is None or self._reader.done():
                process = self._process = await asyncio.create_subprocess_exec(
                    *_COMMAND,
                    stdin=asyncio.subprocess.PIPE,
                    stdout=asyncio.subprocess.PIPE,
                    cwd="/",
                    env=_ENVIRONMENT,
                    start_new_session=True,
                )
                self._reader = asyncio.create_task(self._read(process), name="media-worker")
            return process

    async def _read(self, process: asyncio.subprocess.Process) -> None:
        """Hand out answers until the worker ends; then those who wait are told."""
        assert process.stdout is not None
        try:
            while True:
                size = int.from_bytes(await process.stdout.readexactly(HEADER_BYTES), "big")
                if size > 2 * MAX_ANSWER_BYTES:
                    raise ConnectionError(f"an answer of {size} bytes")
                done = decode_done(await process.stdout.readexactly(size))
                future = self._jobs.get(done.id)
                if future is not None and not future.done():
                    future.set_result(done)
        except (asyncio.IncompleteReadError, ConnectionError, ValueError) as error:
            log.warning("the media worker ended", extra={"error": str(error)})
        for future in self._jobs.values():
            if not future.done():
                future.set_exception(ConnectionError("the media worker ended"))

    async def _stop(self) -> None:
        process, self._process = self._process, None
        if process is not None and process.returncode is None:
            process.kill()
            await process.wait()

    async def close(self) -> None:
        """End the worker and what it has under way."""
        await self._stop()
        if self._reader is not None:
            await asyncio.gather(self._reader, return_exceptions=True)
