"""Asking an app's server before a message is accepted, with a deadline, and what happens when it does not answer.

Each connection's messages are asked about one after the other, because the requests of a connection wait for one
another. Not here: when sending asks (``services.messages``).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence

import msgspec

from trunkline.base.clock import Randomness
from trunkline.base.errors import Code, TrunklineError
from trunkline.crypto.webhooks import sign
from trunkline.domain.identity import Caller
from trunkline.domain.log.records import WebhookChanged
from trunkline.domain.messages.types import check_content
from trunkline.domain.webhooks.events import BEFORE_SEND as EVENT
from trunkline.domain.webhooks.events import iso_time
from trunkline.services.log.engine import Engine
from trunkline.services.messages.before_send import APPROVED, Approval, Said
from trunkline.services.sessions.hub import Hub
from trunkline.services.webhooks.book import BEFORE_SEND, WebhookBook
from trunkline.services.webhooks.ports import Courier
from trunkline.wire import entries as types
from trunkline.wire.calls.webhooks import BeforeSend, BeforeSendData, HookAnswer
from trunkline.wire.content import canonical, decode_content

MAX_REPLY_BYTES = 131_072
MAX_ASKED_AT_ONCE = 500
"""Messages of one app that wait for its answer; more are refused as busy."""
NO_CONTENT = 204

_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(HookAnswer).decode


class Asking:
    """Implements ``services.messages.before_send.BeforeSend``.

    Args:
        engine: the log.
        hub: whose sessions must take the way that asks.
        book: which webhooks there are.
        courier: asks.
        secrets: those that sign for a webhook now.
        randomness: for ids.

    Attributes:
        apps: those that want to be asked.
        answers: how often which answer came: accept, reject, replace, none.
    """

    def __init__(
        self,
        engine: Engine,
        hub: Hub,
        book: WebhookBook,
        courier: Courier,
        secrets: Callable[[WebhookChanged], Sequence[bytes]],
        randomness: Randomness,
    ) -> None:
        self._engine = engine
        self._hub = hub
        self._book = book
        self._courier = courier
        self._secrets = secrets
        self._randomness = randomness
        self._asked_now: Counter[str] = Counter()
        self.apps: set[str] = set()
        self.answers: Counter[str] = Counter()
        for webhook in book.every():
            self._changed(webhook)
        book.on_change(self._changed)
        hub.on_add(self._mark)

    async def ask(self, caller: Caller, said: Said) -> Approval:
        """Wait for the app's answers, one webhook after the other.

        Raises:
            TrunklineError: ``HOOK_REJECTED``, ``HOOK_UNAVAILABLE`` or ``BUSY``.
        """
        app = caller.app
        if self._asked_now[app] >= MAX_ASKED_AT_ONCE:
            raise TrunklineError(Code.BUSY, "too many messages wait for the app's approval", retry_ms=500)
        self._asked_now[app] += 1
        approval = APPROVED
        try:
            for hook in self._hooks(app):
                if not _concerns(hook, said):
                    continue
                approval = await self._one(hook, caller, said, approval)
                if approval.content is not None:
                    said = said._replace(content=approval.content)
        finally:
            self._asked_now[app] -= 1
            if not self._asked_now[app]:
                del self._asked_now[app]
        return approval

    async def _one(self, hook: WebhookChanged, caller: Caller, said: Said, before: Approval) -> Approval:
        question = BeforeSend(
            id="ask_" + self._randomness.token(18),
            type=EVENT,
            timestamp=iso_time(self._engine.clock.now_ms()),
            conversation=said.conversation,
            kind=said.kind,
            data=BeforeSendData(
                sender=caller.party,
                type=said.type,
                content=decode_content(said.content),
                to=said.to,
                reply_to=said.reply_to,
                mentions=list(said.mentions),
                edits=said.edits,
            ),
        )
        body = _encode(question)
        headers = sign(self._secrets(hook), question.id, self._engine.clock.now_ms() // 1000, body)
        reply = await self._courier.post(hook.url, headers, body, hook.deadline_ms / 1000, MAX_REPLY_BYTES)
        if not reply.ok:
            return self._unanswered(hook, reply.describe(), before)
        if reply.status == NO_CONTENT:
            self.answers["accept"] += 1
            return before
        try:
            answer = _decode(reply.body)
            content = None
            if answer.action == "replace":
                content = canonical(answer.content)
                check_content(said.type, content)
                if said.type == types.CARD_CREATED:
                    return self._unanswered(hook, "a card cannot be replaced", before)
        except (msgspec.DecodeError, RecursionError) as error:
            return self._unanswered(hook, f"the answer cannot be read: {error}", before)
        except TrunklineError as error:
            return self._unanswered(hook, f"the new content cannot be accepted: {error.detail}", before)
        self.answers[answer.action] += 1
        if answer.action == "reject":
            why = answer.message or "the app refuses this message"
            raise TrunklineError(Code.HOOK_REJECTED, f"{answer.code}: {why}" if answer.code else why)
        return before if content is None else Approval(content)

    def _unanswered(self, hook: WebhookChanged, why: str, before: Approval) -> Approval:
        self.answers["none"] += 1
        if hook.on_failure == "accept":
            return before
        raise TrunklineError(
            Code.HOOK_UNAVAILABLE, f"the app that approves messages did not answer: {why}", retry_ms=1000
        )

    def _hooks(self, app: str) -> list[WebhookChanged]:
        return [hook for hook in self._book.of(app) if hook.mode == BEFORE_SEND and not hook.disabled]

    def _changed(self, webhook: WebhookChanged) -> None:
        app = webhook.app
        if self._hooks(app):
            self.apps.add(app)
        else:
            self.apps.discard(app)
        for session in list(self._hub.sessions.values()):
            if session.app == app:
                session.asks = app in self.apps

    def _mark(self, session: object) -> None:
        if session.app in self.apps:  # type: ignore[attr-defined]
            session.asks = True  # type: ignore[attr-defined]


def _concerns(hook: WebhookChanged, said: Said) -> bool:
    return (
        (not hook.kinds or said.kind in hook.kinds)
        and said.conversation.startswith(hook.prefix)
        and (not hook.message_types or said.type in hook.message_types)
    )
