"""SCTP over DTLS (RFC 9260, RFC 8261) and data channels (RFC 8831, RFC 8832): bytes and ``now`` in, events out.

``chunks`` reads and writes packets, ``inbound`` puts messages together, ``outbound`` sends them reliably or not
(RFC 3758), ``association`` is the handshake, the timers and the dispatch, ``channels`` the data channels on top.
Not here: DTLS, sockets, randomness (tags and first numbers are given in).
"""

from trunkline.protocol.sctp.association import Association, Closed, Established, MessageReceived, StreamsReset
from trunkline.protocol.sctp.channels import Channel, Channels

__all__ = ["Association", "Channel", "Channels", "Closed", "Established", "MessageReceived", "StreamsReset"]
