"""Presence of other parties; watches are renewed on every connection."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable

from trunkline.client.errors import ClientStopped, RequestFailed
from trunkline.client.requests import Requests
from trunkline.wire.calls.session import Presence, Presences, PresenceWatch
from trunkline.wire.frames import EmptyResult

logger = logging.getLogger("trunkline.client")
_AT_ONCE = 200


class PresenceCalls:
    """``client.presence``; changes arrive at ``on_presence``."""

    def __init__(self, requests: Requests) -> None:
        self._call = requests.call
        self._watched: dict[str, None] = {}
        self._renewal: asyncio.Task[None] | None = None

    async def watch(self, *parties: str) -> list[Presence]:
        """Subscribe to parties; returns how they are now."""
        self._watched.update(dict.fromkeys(parties))
        return await self._watch(parties)

    async def unwatch(self, *parties: str) -> None:
        """Subscribe no more."""
        for party in parties:
            self._watched.pop(party, None)
        await self._call("presence.unwatch", PresenceWatch(list(parties)), EmptyResult, again=True)

    async def get(self, *parties: str) -> list[Presence]:
        """How parties are now, without subscribing."""
        return (await self._call("presence.get", PresenceWatch(list(parties)), Presences, again=True)).presences

    def renew(self) -> None:
        """A new connection: the server knows nothing of earlier watches."""
        if self._watched:
            self.stop()
            self._renewal = asyncio.create_task(self._renew(list(self._watched)))

    def stop(self) -> None:
        """Renew no more."""
        if self._renewal is not None:
            self._renewal.cancel()

    async def _renew(self, parties: list[str]) -> None:
        try:
            for start in range(0, len(parties), _AT_ONCE):
                await self._watch(parties[start : start + _AT_ONCE])
        except (RequestFailed, ClientStopped) as exc:
            logger.info("presence watches could not be renewed: %s", exc)

    async def _watch(self, parties: Iterable[str]) -> list[Presence]:
        request = PresenceWatch(list(parties))
        return (await self._call("presence.watch", request, Presences, again=True)).presences
