"""Calls of methods that an app server makes to participants (``PerformRpc``), over the data channel.

Not here: calls of participants among themselves, which pass through like any data.
"""

from __future__ import annotations

import asyncio
import secrets
from dataclasses import dataclass

from livekit.protocol import models

from trunkline.edges.livekit import data
from trunkline.services.live import LiveMember

CALLER = "server"
"""Who calls, as the participant is told."""
VERSION = 1
ACKNOWLEDGED_S = 7.0
"""A participant that has not even confirmed the call by then is not reached."""
DEFAULT_S, MAX_S = 15.0, 60.0
MAX_PAYLOAD_BYTES = 15 * 1024
MAX_CALLS = 1000
UNSUPPORTED_METHOD, NOT_REACHED, TIMED_OUT, TOO_LARGE = 1400, 1501, 1502, 1402
"""Codes of LiveKit's SDKs for what goes wrong with a call."""


class CallFailed(Exception):
    """A call that was not answered with a result.

    Attributes:
        code: of the SDKs, or of the participant's method.
        data: whatever the method added.
    """

    def __init__(self, code: int, text: str, more: str = "") -> None:
        super().__init__(text)
        self.code = code
        self.data = more


@dataclass(slots=True)
class _Call:
    member: LiveMember
    acknowledged: asyncio.Event
    answer: asyncio.Future[models.RpcResponse]


class Calls:
    """Calls that wait for an answer."""

    def __init__(self) -> None:
        self._waiting: dict[str, _Call] = {}

    async def call(self, member: LiveMember, method: str, payload: str, timeout_ms: int) -> str:
        """Call a method of a participant: its result.

        Raises:
            CallFailed: there is none.
        """
        if len(payload.encode()) > MAX_PAYLOAD_BYTES:
            raise CallFailed(TOO_LARGE, f"a payload has at most {MAX_PAYLOAD_BYTES} bytes")
        if len(self._waiting) >= MAX_CALLS:
            raise CallFailed(NOT_REACHED, "too many calls wait for an answer")
        timeout_s = min(timeout_ms / 1000 or DEFAULT_S, MAX_S)
        number = secrets.token_hex(16)
        request = models.RpcRequest(
            id=number, method=method, payload=payload, response_timeout_ms=int(timeout_s * 1000), version=VERSION
        )
        packet = models.DataPacket(
            rpc_request=request, participant_identity=CALLER, destination_identities=[member.participant.identity]
        )
        call = _Call(member, asyncio.Event(), asyncio.get_running_loop().create_future())
        self._waiting[number] = call
        try:
            if not member.media.send_data(data.RELIABLE, packet.SerializeToString(), wait=True):
                raise CallFailed(NOT_REACHED, "the participant cannot be sent to")
            return await self._answer(call, timeout_s)
        finally:
            del self._waiting[number]

    async def _answer(self, call: _Call, timeout_s: float) -> str:
        try:
            async with asyncio.timeout(timeout_s):
                async with asyncio.timeout(ACKNOWLEDGED_S):
                    await call.acknowledged.wait()
                response = await call.answer
        except TimeoutError:
            if call.acknowledged.is_set():
                raise CallFailed(TIMED_OUT, "the participant did not answer in time") from None
            raise CallFailed(NOT_REACHED, "the participant did not confirm the call") from None
        if response.HasField("error"):
            raise CallFailed(response.error.code, response.error.message, response.error.data)
        return response.payload

    def take(self, member: LiveMember, answer: models.RpcAck | models.RpcResponse) -> bool:
        """A participant confirmed or answered: whether it was a call from here."""
        call = self._waiting.get(answer.request_id)
        if call is None or call.member is not member:
            return False
        call.acknowledged.set()
        if isinstance(answer, models.RpcResponse) and not call.answer.done():
            call.answer.set_result(answer)
        return True
