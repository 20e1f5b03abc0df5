"""Live sessions of conversations."""

from __future__ import annotations

from trunkline.client.requests import Requests
from trunkline.wire.calls.live import LiveJoin, LiveJoined


class LiveCalls:
    """``client.live``: places for LiveKit's client SDKs."""

    def __init__(self, requests: Requests) -> None:
        self._call = requests.call

    async def join(self, conversation: str) -> LiveJoined:
        """A place in a conversation's live session: ``url`` and ``token`` for a LiveKit SDK."""
        return await self._call("live.join", LiveJoin(conversation=conversation), LiveJoined, again=True)
