"""STUN (RFC 8489) and the server's half of ICE (RFC 8445, ICE-lite): bytes and ``now`` in, events and bytes out.

Not here: sockets, timers, and which peer a username belongs to (``media/sfu``).
"""

from trunkline.protocol.stun.agent import Address, IceLiteAgent, StunReply
from trunkline.protocol.stun.message import (
    Attribute,
    MessageClass,
    StunError,
    StunMessage,
    is_stun,
    parse,
    peek_username,
)

__all__ = [
    "Address",
    "Attribute",
    "IceLiteAgent",
    "MessageClass",
    "StunError",
    "StunMessage",
    "StunReply",
    "is_stun",
    "parse",
    "peek_username",
]
