"""An app's server that receives webhooks: it verifies every signature with the official library.

It runs on its own thread and loop, so that synchronous tests can use it too.
"""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Awaitable, Callable
from typing import Any, Self

from aiohttp import web
from standardwebhooks import Webhook, WebhookVerificationError

Answer = tuple[int, Any]
Decide = Callable[[dict[str, Any]], Answer | Awaitable[Answer]]


def accept(event: dict[str, Any]) -> Answer:
    """Take everything."""
    return 204, None


class Receiver:
    """Listens on loopback.

    Args:
        decide: status and JSON answer for an event.
        port: fixed, or any.

    Attributes:
        events: accepted events with a valid signature, in the order of their arrival.
        forged: requests whose signature was wrong.
        attempts: ``webhook-id`` of every request, accepted or not.
    """

    def __init__(self, decide: Decide = accept, port: int = 0) -> None:
        self.decide = decide
        self.secrets: dict[str, str] = {}
        self.events: list[dict[str, Any]] = []
        self.attempts: list[str] = []
        self.headers: list[dict[str, str]] = []
        self.forged = 0
        self.port = port
        self._loop = asyncio.new_event_loop()
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._serve, name="webhook-receiver", daemon=True)

    def url(self, path: str = "hook") -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.port}/{path}"

    def __enter__(self) -> Self:
        self._thread.start()
        assert self._ready.wait(10)
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)

    def _serve(self) -> None:
        asyncio.set_event_loop(self._loop)
        app = web.Application()
        app.router.add_post("/{path}", self._receive)
        # Whoever is still being answered at the end is not waited for.
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        self._loop.run_until_complete(runner.setup())
        site = web.TCPSite(runner, "127.0.0.1", self.port, reuse_address=True)
        self._loop.run_until_complete(site.start())
        assert site._server is not None
        self.port = site._server.sockets[0].getsockname()[1]  # type: ignore[attr-defined]
        self._ready.set()
        self._loop.run_forever()
        self._loop.run_until_complete(runner.cleanup())
        self._loop.close()

    async def _receive(self, request: web.Request) -> web.Response:
        body = await request.text()
        headers = {name.lower(): value for name, value in request.headers.items()}
        self.attempts.append(headers.get("webhook-id", ""))
        secret = self.secrets.get(request.match_info["path"])
        event: dict[str, Any]
        if secret is None:
            event = json.loads(body)
        else:
            try:
                event = Webhook(secret).verify(body, headers)
            except WebhookVerificationError:
                self.forged += 1
                return web.Response(status=401)
        assert event["id"] == headers["webhook-id"]
        decided = self.decide(event)
        status, answer = await decided if isinstance(decided, Awaitable) else decided
        if 200 <= status < 300:
            self.events.append(event)
            self.headers.append(headers)
        return web.json_response(answer, status=status) if answer is not None else web.Response(status=status)
