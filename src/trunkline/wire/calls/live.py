"""Live sessions of conversations."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct

from trunkline.wire.calls.session import ConversationName


class LiveJoin(Struct, kw_only=True):
    """Ask for a place in a conversation's live session.

    The answer is for LiveKit's client SDKs: ``url`` and ``token`` as they are. An app server names the party in whose
    name it asks by acting as it; ``device`` tells its devices apart there.
    """

    conversation: ConversationName
    device: Annotated[str, Meta(max_length=64, pattern=r"^[A-Za-z0-9._~\-]*$")] = ""


class LiveJoined(Struct):
    """A place in a live session.

    ``room`` is the conversation's id. ``identity`` is the party, with ``#`` and the device when there is one, so that
    two devices of a party are two participants. The token is for joining and resuming until ``expires_at_ms``; what
    its holder may do follows the membership at every moment.
    """

    url: str
    token: str
    room: str
    identity: str
    expires_at_ms: int
