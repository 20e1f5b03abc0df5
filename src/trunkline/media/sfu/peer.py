"""One client's transport: ICE checks answered, DTLS, SRTP, and SCTP for data, over whatever carries datagrams.

``receive`` takes what came; packets and messages go up to the ``PeerSink``. Time is given in; the owner calls
``tick`` a few times a second and whenever ``wait_s`` says so.

Not here: sockets and finding the peer for a datagram (``port``), forwarding (``uptrack``, ``downtrack``).
"""

from __future__ import annotations

import logging
import math
from collections.abc import Callable
from typing import Protocol

from OpenSSL import SSL

from trunkline.media.sfu.dtls import DtlsError, DtlsServer, is_dtls
from trunkline.media.sfu.native.path import KernelPath
from trunkline.media.sfu.srtp import Srtp, make_srtp
from trunkline.protocol.rtp import rtcp
from trunkline.protocol.rtp.packet import is_rtcp, is_rtp_or_rtcp
from trunkline.protocol.sctp import Association, Channel, Channels, Closed
from trunkline.protocol.sctp.channels import ChannelEvent
from trunkline.protocol.sdp import Fingerprint
from trunkline.protocol.stun import Address, IceLiteAgent, StunError, is_stun, parse

log = logging.getLogger("trunkline.media")
REPEATED = (rtcp.Nack, rtcp.PictureLoss, rtcp.FullIntraRequest, rtcp.TransportFeedback)
"""Reports that change what the client does at once; the others come again anyway."""
FLIGHT_AGAIN_S = 0.1
MAX_FLIGHT_REPEATS = 8
"""Of our part of the DTLS handshake: OpenSSL would wait a second, clients ask again sooner but are not heard."""
MAX_BUFFERED_BYTES = 4 << 20
"""Data accepted for a client that does not take it; beyond that messages are refused."""


class PeerSink(Protocol):
    """Who hears what a client sends.

    Attributes:
        path: its place in the packet thread.
    """

    path: KernelPath | None

    def on_connected(self) -> None:
        """Media can flow both ways."""

    def on_rtp(self, packet: bytes, now_s: float) -> None:
        """A decrypted RTP packet."""

    def on_rtcp(self, packets: list[rtcp.Packet], now_s: float) -> None:
        """A decrypted RTCP compound."""

    def on_channel(self, event: ChannelEvent) -> None:
        """A data channel was opened or closed, or a message came."""

    def on_lost(self, reason: str) -> None:
        """The transport is over."""


class Peer:
    """One client's transport.

    Attributes:
        copies: of answers to checks and of urgent reports, on a path that loses packets.

    Args:
        ice: answers its checks.
        context: DTLS settings.
        remote: the fingerprint in its offer; None while it has yet to answer ours.
        association: its SCTP association, not yet connected.
        send: puts a datagram on the wire.
        sink: hears what the client sends.
        path: the peer in the packet thread, which then opens and protects what is RTP and RTCP; None without one.
    """

    def __init__(
        self,
        ice: IceLiteAgent,
        context: SSL.Context,
        remote: Fingerprint | None,
        association: Association,
        send: Callable[[bytes, Address], None],
        sink: PeerSink,
        path: KernelPath | None = None,
    ) -> None:
        self.ice = ice
        self.path = path
        if path is not None:
            path.owner = self
        self._keyed = False
        self._dtls = DtlsServer(context, remote)
        self._srtp: Srtp | None = None
        self._association = association
        self.channels = Channels(association)
        self._send = send
        self._sink = sink
        self._lost = False
        self.copies = 1
        self._flight: list[bytes] = []
        self._flight_s = 0.0
        self._flight_repeats = 0
        self._heard_media = False

    @property
    def connected(self) -> bool:
        """Whether keys are there, so that media can be sent."""
        return self._keyed and not self._lost

    def begin(self, remote_ufrag: str, remote: Fingerprint) -> None:
        """The client answered our offer: these are its ICE username and its certificate."""
        self.ice.remote_ufrag = remote_ufrag
        self._dtls.expect(remote)

    def receive(self, datagram: bytes, address: Address, now_s: float) -> None:
        """A datagram came from an address. What is not authentic changes nothing."""
        if self._lost:
            return
        if is_rtp_or_rtcp(datagram):
            self._on_media(datagram, now_s)
        elif is_stun(datagram):
            self._on_stun(datagram, address, now_s)
        elif is_dtls(datagram) and self.ice.is_validated(address):
            self._on_dtls(datagram, now_s)

    def _on_stun(self, datagram: bytes, address: Address, now_s: float) -> None:
        try:
            message = parse(datagram)
        except StunError:
            return
        reply = self.ice.on_message(message, address, now_s)
        if self.path is not None:
            self.path.follow(self.ice, address)
        if reply.data is not None:
            for _ in range(self.copies):
                self._send(reply.data, address)

    def _on_dtls(self, datagram: bytes, now_s: float) -> None:
        try:
            messages = self._dtls.receive(datagram)
        except DtlsError as error:
            self._flush_dtls()
            self._end(str(error))
            return
        self._flush_dtls(now_s)
        if not self._keyed and self._dtls.keys is not None:
            self._keyed = True
            if self.path is not None:
                self.path.set_keys(self._dtls.keys)
            else:
                self._srtp = make_srtp(self._dtls.keys)
            self._sink.on_connected()
        for message in messages:
            self._association.receive(message, now_s)
        self._pump_data(now_s)
        if self._dtls.closed:
            self._end("the client closed the connection")

    def _on_media(self, datagram: bytes, now_s: float) -> None:
        srtp = self._srtp
        if self.path is not None:
            self.path.receive(datagram)
            return
        if srtp is None:
            return
        self._heard_media = True
        if is_rtcp(datagram):
            compound = srtp.open_rtcp(datagram)
            if compound is not None:
                self.receive_report(compound, now_s)
        else:
            packet = srtp.open_rtp(datagram)
            if packet is not None:
                self._sink.on_rtp(packet, now_s)

    def receive_report(self, compound: bytes, now_s: float) -> None:
        """A decrypted RTCP compound."""
        if self._lost:
            return
        try:
            packets = rtcp.parse(compound)
        except rtcp.RtcpError:
            return
        self._sink.on_rtcp(packets, now_s)

    def send_media(self, datagram: bytes) -> None:
        """Send what the packet thread made for an address that it does not reach."""
        if not self._lost and self.ice.selected is not None:
            self._send(datagram, self.ice.selected)

    def send_rtp(self, packet: bytes) -> bytes | None:
        """Encrypt and send a packet; the ciphertext, to send the same number again with ``send_again``."""
        address = self.ice.selected
        if self._srtp is None or self._lost or address is None:
            return None
        ciphertext = self._srtp.protect_rtp(packet)
        if ciphertext is not None:
            self._send(ciphertext, address)
        return ciphertext

    def send_again(self, ciphertext: bytes) -> None:
        """Send what ``send_rtp`` returned once more."""
        if self.connected and self.ice.selected is not None:
            self._send(ciphertext, self.ice.selected)

    def send_rtcp(self, packets: list[rtcp.Packet]) -> None:
        """Encrypt and send a compound."""
        if not packets or self._lost:
            return
        urgent = [packet for packet in packets if isinstance(packet, REPEATED)]
        # Each copy has a number of its own: the same bytes would be taken for a replay.
        parts: list[list[rtcp.Packet]] = [packets]
        if urgent:
            parts += [list(urgent)] * (self.copies - 1)
        for part in parts:
            if self.path is not None:
                self.path.send_rtcp(rtcp.serialize(part))
            elif self._srtp is not None and self.ice.selected is not None:
                compound = self._srtp.protect_rtcp(rtcp.serialize(part))
                if compound is not None:
                    self._send(compound, self.ice.selected)

    def send_data(self, channel: Channel, data: bytes, now_s: float) -> bool:
        """Send a message on a data channel; False when the client takes too little of what was sent before."""
        if self._lost or self._association.buffered_bytes > MAX_BUFFERED_BYTES:
            return False
        self.channels.send(channel, data, now_s)
        self._pump_data(now_s)
        return True

    def tick(self, now_s: float) -> None:
        """Do what is due: timers of DTLS and SCTP, consent."""
        if self._lost:
            return
        if not self.ice.consented(now_s) and self.path is not None:
            self.ice.heard_s = max(self.ice.heard_s, self.path.heard_s())
        if not self.ice.consented(now_s):
            self._end("the client's checks stopped")
            return
        wait_s = self._dtls.wait_s()
        if wait_s is not None and wait_s <= 0:
            self._dtls.handle_timeout()
            self._flush_dtls(now_s)
        self._repeat_flight(now_s)
        due_s = self._association.timeout_s
        if due_s is not None and due_s <= now_s:
            self._association.handle_timeout(now_s)
        self._pump_data(now_s)

    def close(self) -> None:
        """End the transport and tell the client."""
        if self._lost:
            return
        self._lost = True
        self._dtls.close()
        self._flush_dtls()

    @property
    def due_s(self) -> float:
        """When a tick is due for timers of the handshake or of data on its way."""
        if not self._keyed or self._flight:
            return 0.0
        timeout_s = self._association.timeout_s
        return math.inf if timeout_s is None else timeout_s

    def _pump_data(self, now_s: float) -> None:
        """Events of SCTP up, its packets out."""
        if not self._keyed:
            return
        for event in self._association.take_events():
            if isinstance(event, Closed):
                self._end(f"data channels: {event.reason}")
                return
            for found in self.channels.on_event(event, now_s):
                self._sink.on_channel(found)
        for packet in self._association.take_packets(now_s):
            try:
                self._dtls.send(packet)
            except DtlsError as error:
                self._end(str(error))
                return
            self._flush_dtls()

    def _flush_dtls(self, now_s: float | None = None) -> None:
        address = self.ice.selected
        datagrams = self._dtls.take_datagrams()
        if now_s is not None and datagrams and not self._keyed:
            self._flight, self._flight_s, self._flight_repeats = datagrams, now_s, 0
        for datagram in datagrams:
            if address is not None:
                self._send(datagram, address)

    def _repeat_flight(self, now_s: float) -> None:
        """Send the last part of the handshake again, until media flows or it has been enough."""
        address = self.ice.selected
        if not self._flight or now_s - self._flight_s < FLIGHT_AGAIN_S or address is None:
            return
        for datagram in self._flight:
            self._send(datagram, address)
        self._flight_s = now_s
        self._flight_repeats += 1
        if self.path is not None and not self._heard_media:
            self._heard_media = self.path.has_media()
        if self._heard_media or self._flight_repeats >= MAX_FLIGHT_REPEATS:
            self._flight.clear()

    def _end(self, reason: str) -> None:
        if not self._lost:
            self._lost = True
            log.info("transport ended", extra={"reason": reason})
            self._sink.on_lost(reason)
