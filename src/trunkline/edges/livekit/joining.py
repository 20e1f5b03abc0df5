"""What a client asks for when it connects: the token, and the parameters of ``/rtc/v1`` and ``/rtc``.

Not here: verifying the token, joining.
"""

from __future__ import annotations

import base64
import binascii
import zlib
from dataclasses import dataclass
from urllib.parse import parse_qs, urlsplit

from google.protobuf.message import DecodeError
from livekit.protocol import models, rtc

from trunkline.base.errors import Code, TrunklineError
from trunkline.crypto.live_tokens import LiveClaims
from trunkline.domain.live import Permission, Source

MAX_REQUEST_BYTES = 1 << 20
GZIP = 1
SOURCES = {
    "camera": Source.CAMERA,
    "microphone": Source.MICROPHONE,
    "screen_share": Source.SCREEN_SHARE,
    "screen_share_audio": Source.SCREEN_SHARE_AUDIO,
}
KINDS = {"standard": 0, "ingress": 1, "egress": 2, "sip": 3, "agent": 4}


@dataclass(slots=True, frozen=True)
class Joining:
    """What a connecting client said.

    Attributes:
        request: of ``/rtc/v1``; an equal one is made from the parameters of ``/rtc``.
        single: one connection for both ways (``/rtc/v1``), where the client always offers.
    """

    token: str
    request: rtc.JoinRequest
    single: bool


def read_joining(target: str, authorization: str) -> Joining:
    """Read the request target and the Authorization header.

    Raises:
        TrunklineError: ``TOKEN_GARBLED``: no token; ``INVALID_PARAMS``: the join request cannot be read.
    """
    parts = urlsplit(target)
    query = {name: values[-1] for name, values in parse_qs(parts.query, keep_blank_values=True).items()}
    token = query.get("access_token", "") or authorization.removeprefix("Bearer ").strip()
    if not token:
        raise TrunklineError(Code.TOKEN_GARBLED, "There is no access token.")
    if parts.path.startswith("/rtc/v1"):
        return Joining(token, _read_request(query.get("join_request", "")), single=True)
    request = rtc.JoinRequest(
        connection_settings=rtc.ConnectionSettings(
            auto_subscribe=query.get("auto_subscribe", "1") not in ("0", "false"),
            adaptive_stream=query.get("adaptive_stream", "0") in ("1", "true"),
        ),
        reconnect=query.get("reconnect", "0") in ("1", "true"),
        participant_sid=query.get("sid", ""),
    )
    return Joining(token, request, single=False)


def _read_request(text: str) -> rtc.JoinRequest:
    if not text:
        return rtc.JoinRequest(connection_settings=rtc.ConnectionSettings(auto_subscribe=True))
    padded = text.rstrip("=") + "=" * (-len(text.rstrip("=")) % 4)
    try:
        wrapped = rtc.WrappedJoinRequest.FromString(base64.b64decode(padded, b"-_", validate=True))
        data = wrapped.join_request
        if wrapped.compression == GZIP:
            reader = zlib.decompressobj(16 + zlib.MAX_WBITS)
            data = reader.decompress(data, MAX_REQUEST_BYTES)
            if reader.unconsumed_tail:
                raise ValueError("too long")
        return rtc.JoinRequest.FromString(data)
    except (ValueError, binascii.Error, zlib.error, DecodeError) as error:
        raise TrunklineError(
            Code.INVALID_PARAMS, f"The join request cannot be read: {error}", field="join_request"
        ) from None


def permission_of(claims: LiveClaims) -> Permission:
    """What a token's grant lets a participant do. An absent ``can*`` counts as allowed."""
    grant = claims.video
    return Permission(
        can_subscribe=grant.can_subscribe is not False,
        can_publish=grant.can_publish is not False,
        can_publish_data=grant.can_publish_data is not False,
        sources=frozenset(SOURCES[name] for name in grant.can_publish_sources if name in SOURCES),
        hidden=grant.hidden,
        recorder=grant.recorder,
        can_update_metadata=bool(grant.can_update_own_metadata),
        agent=grant.agent,
    )


def permission_from(info: models.ParticipantPermission) -> Permission:
    """A permission as ``RoomService`` sets it: what it does not name is not allowed."""
    by_number = {int(source): source for source in Source}
    return Permission(
        can_subscribe=info.can_subscribe,
        can_publish=info.can_publish,
        can_publish_data=info.can_publish_data,
        sources=frozenset(by_number[int(n)] for n in info.can_publish_sources if int(n) in by_number),
        hidden=info.hidden,
        recorder=info.recorder,
        can_update_metadata=info.can_update_metadata,
        agent=info.agent,
    )


def kind_of(claims: LiveClaims) -> int:
    """The participant's kind as the protocol numbers it."""
    return KINDS.get(claims.kind.lower(), 0)


def source_names(permission: Permission) -> list[str]:
    """The sources of a permission as tokens name them."""
    return sorted(name for name, source in SOURCES.items() if source in permission.sources)
