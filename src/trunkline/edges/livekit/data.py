"""Data packets: stamped with their sender, and read for whom they are. The payload stays opaque."""

from __future__ import annotations

from dataclasses import dataclass

from google.protobuf.message import DecodeError
from livekit.protocol import models

from trunkline.domain.live import Participant

MAX_PACKET_BYTES = 64_000
RELIABLE, LOSSY = "_reliable", "_lossy"
LABELS = frozenset({RELIABLE, LOSSY})


def from_server(payload: bytes, topic: str | None) -> bytes:
    """A packet that an app server sends; it has no sender."""
    packet = models.DataPacket(user=models.UserPacket(payload=payload))
    if topic is not None:
        packet.user.topic = topic
    return packet.SerializeToString()


@dataclass(slots=True, frozen=True)
class Stamped:
    """A packet to pass on, and to whom; nobody named means everyone.

    Attributes:
        sequence: its number, 0 without one.
        answer: to a call of a method, when it is one.
    """

    data: bytes
    sequence: int
    identities: tuple[str, ...]
    sids: tuple[str, ...]
    answer: models.RpcAck | models.RpcResponse | None = None


def stamp(data: bytes, sender: Participant) -> Stamped | None:
    """Put the sender's name on a packet, whatever it claims; None when it is malformed or too long."""
    if len(data) > MAX_PACKET_BYTES:
        return None
    try:
        packet = models.DataPacket.FromString(data)
    except DecodeError:
        return None
    kind = packet.WhichOneof("value")
    if kind is None or kind == "speaker":
        return None
    packet.participant_identity = sender.identity
    packet.participant_sid = sender.sid
    identities = tuple(packet.destination_identities)
    sids: tuple[str, ...] = ()
    if kind == "user":
        # Older clients name sender and receivers in the packet inside.
        packet.user.participant_identity = sender.identity
        packet.user.participant_sid = sender.sid
        identities = identities or tuple(packet.user.destination_identities)
        sids = tuple(packet.user.destination_sids)
    answer = getattr(packet, kind) if kind in ("rpc_ack", "rpc_response") else None
    return Stamped(packet.SerializeToString(), packet.sequence, identities, sids, answer)
