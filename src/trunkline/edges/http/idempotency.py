"""Idempotency-Key: the same request twice has one effect and one answer.

Lives here: the rules of the header. The answers themselves are records of the journal, committed in the group
of their effect (``AnswerBook``), so that after a crash there are either both or neither.

A key belongs to its app and, for a client, to its party. Only successes are remembered: every error in the
ranges 1 to 4 says that nothing was applied, so a repetition may well try again.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import msgspec
from starlette.requests import Request

from trunkline.base.errors import Code, TrunklineError
from trunkline.domain.identity import Caller
from trunkline.edges.http.deps import ShownSecrets
from trunkline.services.log.index_port import Remembered
from trunkline.wire.calls.apps import ApiKey, AppCreated
from trunkline.wire.calls.files import FileLink
from trunkline.wire.calls.live import LiveJoined
from trunkline.wire.calls.messages import BulkSend
from trunkline.wire.calls.webhooks import Webhook

KEY_HEADER = "Idempotency-Key"
REPLAYED_HEADER = "Idempotent-Replayed"
MAX_KEY_CHARS = 128
KEY_PATTERN = rf'^(?:[!#-~]{{1,{MAX_KEY_CHARS}}}|"[!#-~]{{1,{MAX_KEY_CHARS}}}")$'
_BUSY_RETRY_MS = 1000
_DERIVED = "*"
"""Stands where an answer had a secret."""
_KEY = re.compile(KEY_PATTERN)


def key_of(request: Request) -> str | None:
    """The checked key of a request that changes something; None when it has none.

    The value may be a quoted string, as the IETF draft writes it, or bare.
    """
    if request.method == "GET":
        return None
    values = request.headers.getlist(KEY_HEADER)
    if not values:
        return None
    if len(values) > 1 or _KEY.fullmatch(values[0]) is None:
        raise TrunklineError(
            Code.INVALID_PARAMS,
            f"{KEY_HEADER} must be given once, with 1-{MAX_KEY_CHARS} visible ASCII characters, no quotes.",
            field=KEY_HEADER,
        )
    return values[0].strip('"')


def scoped_key(caller: Caller, key: str) -> str:
    """The key under which the answer is kept: no client can take or find another's."""
    return f"s {key}" if caller.server else f"c {caller.party} {key}"


def fingerprint(operation_id: str, caller: Caller, request: msgspec.Struct) -> bytes:
    """Tells requests apart: what is done, in whose name, with which parameters."""
    parts = (operation_id.encode(), caller.party.encode(), msgspec.json.encode(request, order="deterministic"))
    return hashlib.sha256(b"\n".join(parts)).digest()


class RunningKeys:
    """Keys whose first request has not been answered yet."""

    def __init__(self) -> None:
        self._running: set[tuple[str, str]] = set()

    @contextmanager
    def claim(self, app: str, key: str) -> Iterator[None]:
        """Hold a key while its request runs.

        Raises:
            TrunklineError: ``BUSY`` when another request with the key is running.
        """
        claimed = (app, key)
        if claimed in self._running:
            raise TrunklineError(
                Code.BUSY, f"A request with this {KEY_HEADER} is still running.", retry_ms=_BUSY_RETRY_MS
            )
        self._running.add(claimed)
        try:
            yield
        finally:
            self._running.discard(claimed)


def check_same_request(remembered: Remembered, request_hash: bytes) -> None:
    """Refuse a key that was used for something else.

    Raises:
        TrunklineError: ``ID_CONFLICT``.
    """
    if remembered.request_hash != request_hash:
        raise TrunklineError(
            Code.ID_CONFLICT,
            f"This {KEY_HEADER} was used for another request; use a new key for a new request.",
            field=KEY_HEADER,
        )


def give_send_ids(request: msgspec.Struct, key: str) -> None:
    """Give each message of a bulk its own send id, derived from the key.

    A bulk may span several commit groups. When a crash falls between them, the answer is not remembered,
    and only these ids keep a repetition from sending the first part again.
    """
    if not isinstance(request, BulkSend):
        return
    outbox = "key." + base64.urlsafe_b64encode(hashlib.sha256(key.encode()).digest()[:18]).decode()
    for number, send in enumerate(request.messages, start=1):
        if send.outbox is None and send.n == 0:
            send.outbox, send.n = outbox, number


def is_kept(result: Any) -> bool:
    """Whether an answer may be remembered at all.

    A link to a file and a token for a live session open something for whoever holds them, for a short time, and
    making one changes nothing. So a repetition makes a fresh one, and none of them is ever on disk.
    """
    return not isinstance(result, FileLink | LiveJoined)


def storable_body(result: Any, body: bytes) -> bytes:
    """What may be kept of an answer: everything but a secret."""
    if isinstance(result, ApiKey | Webhook) and result.secret:
        return msgspec.json.encode(msgspec.structs.replace(result, secret=_DERIVED))
    if isinstance(result, AppCreated):
        return msgspec.json.encode(AppCreated(result.app, msgspec.structs.replace(result.key, secret=_DERIVED)))
    return body


def restored_body(result_type: type, body: bytes, secrets: ShownSecrets) -> bytes:
    """Undo ``storable_body``: a secret derives from the master key, so it can be shown again."""
    if result_type is ApiKey:
        return msgspec.json.encode(_with_secret(msgspec.json.decode(body, type=ApiKey), secrets))
    if result_type is AppCreated:
        created = msgspec.json.decode(body, type=AppCreated)
        return msgspec.json.encode(AppCreated(created.app, _with_secret(created.key, secrets)))
    if result_type is Webhook:
        webhook = msgspec.json.decode(body, type=Webhook)
        if webhook.secret == _DERIVED:
            secret = secrets.of_webhook(webhook.webhook, webhook.secret_generation)
            return msgspec.json.encode(msgspec.structs.replace(webhook, secret=secret))
    return body


def _with_secret(key: ApiKey, secrets: ShownSecrets) -> ApiKey:
    return msgspec.structs.replace(key, secret=secrets.of_key(key.key))
