"""LiveKit's webhooks: what happens in live sessions, posted as JSON with a token over the hash of the body.

Each receiver gets its events in order, one at a time; a failed one is tried again for some minutes. Events live in
memory only, as LiveKit's own do: what must not be lost is in the log, and has webhooks of its own.

Not here: the connection (a ``Courier``), which events an app's log makes (``services/webhooks``).
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import logging
import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from google.protobuf import json_format
from livekit.protocol import webhook

from trunkline.base.errors import Code, TrunklineError
from trunkline.crypto.live_tokens import LiveClaims
from trunkline.domain.webhooks.backoff import RetryPolicy
from trunkline.edges.livekit import signals
from trunkline.services.live.happenings import Happening
from trunkline.services.webhooks.ports import Courier

log = logging.getLogger("trunkline.livekit")
MAX_WAITING = 1000
TIMEOUT_S = 10.0
GIVE_UP_S = 600.0
TOKEN_S = 300
LAST_MOMENT_S = 1.0
RETRY = RetryPolicy(first_s=0.5, longest_s=30.0)


@dataclass(slots=True, frozen=True)
class HookTarget:
    """A receiver: the key whose app's events it gets, and which signs them."""

    key: str
    url: str

    @classmethod
    def of(cls, text: str) -> HookTarget:
        """From a configured ``KEY URL``.

        Raises:
            ValueError: it has another form.
        """
        key, _, url = text.strip().partition(" ")
        if not key or "://" not in url:
            raise ValueError(f"{text!r} is not of the form 'KEY https://...'")
        return cls(key, url.strip())


@dataclass(slots=True)
class _Lane:
    """Events on their way to one receiver."""

    waiting: deque[tuple[float, webhook.WebhookEvent]] = field(default_factory=deque)
    dropped: int = 0
    task: asyncio.Task[None] | None = None


class Hooks:
    """Posts events.

    Args:
        targets: the receivers.
        courier: posts.
        app_of: the app of a key; raises when it is not (or no more) one.
        sign: signs claims with the key they name, valid for so many seconds.
        new_id: makes an id from a prefix.
    """

    def __init__(
        self,
        targets: tuple[HookTarget, ...],
        courier: Courier,
        app_of: Callable[[str], str],
        sign: Callable[[LiveClaims, int], str],
        new_id: Callable[[str], str],
    ) -> None:
        self._lanes: Mapping[HookTarget, _Lane] = {target: _Lane() for target in targets}
        self._courier = courier
        self._app_of = app_of
        self._sign = sign
        self._new_id = new_id

    def on_happening(self, happening: Happening) -> None:
        """Something happened: it goes to the receivers of its app."""
        for target, lane in self._lanes.items():
            try:
                if self._app_of(target.key) != happening.session.app:
                    continue
            except TrunklineError:
                continue  # the key does not exist yet, or no more
            if len(lane.waiting) >= MAX_WAITING:
                lane.waiting.popleft()
                lane.dropped += 1
            lane.waiting.append((time.monotonic(), self._event(happening)))
            if lane.task is None or lane.task.done():
                lane.task = asyncio.get_running_loop().create_task(self._run(target, lane), name="live-webhooks")

    def _event(self, happening: Happening) -> webhook.WebhookEvent:
        event = webhook.WebhookEvent(
            event=happening.kind.value,
            room=signals.room_info(happening.session),
            id=self._new_id("EV_"),
            created_at=int(time.time()),
        )
        if happening.participant is not None:
            event.participant.CopyFrom(signals.participant_info(happening.participant))
        if happening.track is not None:
            event.track.CopyFrom(signals.track_info(happening.track))
        return event

    async def _run(self, target: HookTarget, lane: _Lane) -> None:
        while lane.waiting:
            since_s, event = lane.waiting.popleft()
            event.num_dropped = lane.dropped
            attempts = 0
            while not await self._post(target, event):
                attempts += 1
                if time.monotonic() - since_s > GIVE_UP_S:
                    lane.dropped += 1
                    log.warning("a live webhook was given up", extra={"url": target.url, "event": event.event})
                    break
                await asyncio.sleep(RETRY.pause_s(attempts, 0.5))

    async def _post(self, target: HookTarget, event: webhook.WebhookEvent) -> bool:
        body = json_format.MessageToJson(event, indent=None).encode()
        digest = base64.b64encode(hashlib.sha256(body).digest()).decode("ascii")
        token = self._sign(LiveClaims(iss=target.key, sha256=digest), TOKEN_S)
        headers = {"Authorization": token, "Content-Type": "application/webhook+json"}
        reply = await self._courier.post(target.url, headers, body, TIMEOUT_S)
        if not reply.ok:
            log.info("a live webhook was not taken", extra={"url": target.url, "error": reply.describe()})
        return reply.ok

    async def close(self) -> None:
        """Stop; what is not taken within a moment is given up."""
        tasks = [lane.task for lane in self._lanes.values() if lane.task is not None]
        if tasks:
            _, late = await asyncio.wait(tasks, timeout=LAST_MOMENT_S)
            for task in late:
                task.cancel()
        await self._courier.close()


def read_hook(body: bytes, token: str, verify: Callable[[str], LiveClaims]) -> webhook.WebhookEvent:
    """A webhook that somebody else sent us, when its token and the hash in it hold.

    Raises:
        TrunklineError: of the token, ``BAD_SIGNATURE`` or ``INVALID_PARAMS``.
    """
    claims = verify(token)
    digest = base64.b64encode(hashlib.sha256(body).digest()).decode("ascii")
    if claims.sha256 != digest:
        raise TrunklineError(Code.BAD_SIGNATURE, "The token is not about this body.")
    event = webhook.WebhookEvent()
    try:
        json_format.Parse(body, event, ignore_unknown_fields=True)
    except (json_format.ParseError, UnicodeDecodeError) as error:
        raise TrunklineError(Code.INVALID_PARAMS, f"the event cannot be read: {error}") from None
    return event
