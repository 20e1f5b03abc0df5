"""Live sessions on an external LiveKit cluster: what ``server/live`` is for the embedded engine.

``live.join`` hands out the cluster's address with a token of its own; membership and roles are enforced over its API.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping
from pathlib import Path

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from trunkline.base.errors import TrunklineError
from trunkline.base.secret import Secret
from trunkline.edges.livekit.cluster import TwirpCluster
from trunkline.edges.livekit.door import Door
from trunkline.edges.livekit.hooks import read_hook
from trunkline.server.config import LiveSection
from trunkline.services.live.cluster import ClusterSeats
from trunkline.services.live.places import Places
from trunkline.services.live.standings import Standings
from trunkline.services.log.engine import Engine

ENFORCE_S = 0.25
MAX_HOOK_BYTES = 1 << 20
log = logging.getLogger("trunkline.live")


class ClusterMedia:
    """Everything of live sessions on a server that has none itself.

    Args:
        section: where the cluster is.
        engine: conversations and the time.
        standings: who has which place.
    """

    door: Door | None = None
    media: Callable[[], asyncio.Protocol] | None = None

    def __init__(self, section: LiveSection, engine: Engine, standings: Standings) -> None:
        secret = Secret(Path(section.secret_file).read_text("utf-8").strip())
        self.cluster = TwirpCluster(section.url, section.key, secret)
        self._seats = ClusterSeats(self.cluster, engine.clock.monotonic_s)
        self.places = Places(engine, standings, self._seats)
        self.routes = [Route("/v1/live/webhook", self._hook, methods=["POST"])]
        self._task: asyncio.Task[None] | None = None

    async def start(self, _http_port: int) -> None:
        """Begin to enforce."""
        self._task = asyncio.get_running_loop().create_task(self._run(), name="live-enforce")

    async def _run(self) -> None:
        while True:
            try:
                await self.places.enforce()
            except TrunklineError as error:
                log.warning("membership of live sessions could not be checked", extra={"error": error.code.slug})
            await asyncio.sleep(ENFORCE_S)

    async def _hook(self, request: Request) -> Response:
        """The cluster's own webhooks may come here: somebody who joins is looked at without delay."""
        body = b""
        async for chunk in request.stream():
            body += chunk
            if len(body) > MAX_HOOK_BYTES:
                return JSONResponse({"error": "too long"}, 413)
        try:
            read_hook(body, request.headers.get("Authorization", ""), self.cluster.verify)
        except TrunklineError as error:
            return JSONResponse({"error": error.detail}, 401)
        self._seats.hurry()
        return Response(status_code=200)

    def totals(self) -> Mapping[str, int]:
        """Nothing: the cluster has the media."""
        return {}

    def sweep(self, now_s: float) -> None:
        """Nothing to do."""

    async def stop(self) -> None:
        """Stop enforcing; sessions go on without us."""
        if self._task is not None:
            self._task.cancel()
        await self.cluster.close()
