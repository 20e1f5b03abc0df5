"""A synthetic caller: one UDP socket with ICE, DTLS 1.2 and the SRTP keys they lead to. The same towards every server.

Lives here: getting connected. Does not live here: signalling (``janus``, ``trunkline``), media (``load``).
"""

from __future__ import annotations

import asyncio
import os
import secrets
import socket
import time

from OpenSSL import SSL

from trunkline.media.sfu.certificate import Certificate, make_certificate
from trunkline.media.sfu.dtls import KEY_BYTES, MTU_BYTES, SALT_BYTES, DtlsServer, is_dtls, make_context
from trunkline.protocol.sdp import Media, Session, parse
from trunkline.protocol.stun import Address, is_stun
from trunkline.protocol.stun import parse as parse_stun
from trunkline.protocol.stun.message import BINDING, Attribute, MessageClass, StunMessage, xor_address

PROFILE = b"SRTP_AEAD_AES_128_GCM"
GCM = 7
CONNECT_S = 20.0
RECEIVE_BYTES = 8 << 20
SO_RCVBUFFORCE = 33
CERTIFICATE: Certificate = make_certificate(time.time())


class Caller:
    """One caller.

    Args:
        host: the address to call from.
    """

    def __init__(self, host: str) -> None:
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind((host, 0))
        self.socket.setblocking(False)
        self.socket.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, RECEIVE_BYTES)
        self.ufrag, self.password = secrets.token_hex(4), secrets.token_hex(12)
        self.remote: Address = ("", 0)
        self.sending_keys = self.receiving_keys = b""
        self._remote_ice = ("", "")
        self._controls = False
        self._reachable = asyncio.Event()
        self._connected = asyncio.Event()
        self._server: DtlsServer | None = None
        self._client: SSL.Connection | None = None

    @property
    def candidate(self) -> str:
        """Our only candidate, as in SDP."""
        host, port = self.socket.getsockname()
        return f"1 1 udp 2130706431 {host} {port} typ host"

    def transport_lines(self, setup: str) -> str:
        """The lines of SDP that describe our end."""
        return (
            f"a=ice-ufrag:{self.ufrag}\r\na=ice-pwd:{self.password}\r\n"
            f"a=fingerprint:{CERTIFICATE.fingerprint.algorithm} {CERTIFICATE.fingerprint.value}\r\n"
            f"a=setup:{setup}\r\na=candidate:{self.candidate}\r\na=end-of-candidates\r\n"
        )

    async def connect(self, sdp: str, *, controls: bool) -> Session:
        """Reach the other side as its description says; returns when the keys are there."""
        session = parse(sdp)
        media = next(media for media in session.media if media.ufrag)
        candidate = next(line for part in session.media for line in part.candidates if " udp " in line.lower())
        words = candidate.split()
        self.remote = (words[4], int(words[5]))
        self._remote_ice = (media.ufrag, media.password)
        self._controls = controls
        loop = asyncio.get_running_loop()
        loop.add_reader(self.socket, self._on_readable)
        try:
            async with asyncio.timeout(CONNECT_S):
                await self._reach(media)
                await self._handshake()
        finally:
            loop.remove_reader(self.socket)
        return session

    async def _reach(self, media: Media) -> None:
        if media.setup == "active":
            assert media.fingerprint is not None
            self._server = DtlsServer(make_context(CERTIFICATE), media.fingerprint)
        else:
            self._client = _dtls_client()
        while not self._reachable.is_set():
            self._check()
            try:
                await asyncio.wait_for(self._reachable.wait(), 0.2)
            except TimeoutError:
                continue

    async def _handshake(self) -> None:
        while not self._connected.is_set():
            self._step()
            try:
                await asyncio.wait_for(self._connected.wait(), 0.2)
            except TimeoutError:
                if self._client is not None:
                    self._client.DTLSv1_handle_timeout()
                elif self._server is not None:
                    self._server.handle_timeout()

    # --- ICE ----------------------------------------------------------------------------------

    def _check(self) -> None:
        ufrag, password = self._remote_ice
        request = StunMessage(MessageClass.REQUEST, BINDING, os.urandom(12))
        request.attributes.append((Attribute.USERNAME, f"{ufrag}:{self.ufrag}".encode()))
        request.attributes.append((Attribute.PRIORITY, (1853824767).to_bytes(4, "big")))
        role = Attribute.ICE_CONTROLLING if self._controls else Attribute.ICE_CONTROLLED
        request.attributes.append((role, bytes(8)))
        if self._controls:
            request.attributes.append((Attribute.USE_CANDIDATE, b""))
        self.socket.sendto(request.serialize(password), self.remote)

    def _on_stun(self, datagram: bytes, address: Address) -> None:
        message = parse_stun(datagram)
        if message.kind is MessageClass.SUCCESS:
            self._reachable.set()
        elif message.kind is MessageClass.REQUEST:
            reply = StunMessage(MessageClass.SUCCESS, BINDING, message.transaction)
            reply.attributes.append((Attribute.XOR_MAPPED_ADDRESS, xor_address(*address, message.transaction)))
            self.socket.sendto(reply.serialize(self.password), address)

    # --- DTLS ---------------------------------------------------------------------------------

    def _on_readable(self) -> None:
        while True:
            try:
                datagram, address = self.socket.recvfrom(4096)
            except BlockingIOError:
                return
            if is_stun(datagram):
                self._on_stun(datagram, address)
            elif is_dtls(datagram):
                self._reachable.set()
                if self._server is not None:
                    self._server.receive(datagram)
                elif self._client is not None:
                    self._client.bio_write(datagram)
                self._step()

    def _step(self) -> None:
        if self._server is not None:
            for datagram in self._server.take_datagrams():
                self.socket.sendto(datagram, self.remote)
            if self._server.keys is not None:
                self.receiving_keys, self.sending_keys = self._server.keys.receive, self._server.keys.send
                self._connected.set()
            return
        client = self._client
        assert client is not None
        done = True
        try:
            client.do_handshake()
        except SSL.WantReadError:
            done = False
        try:
            while written := client.bio_read(MTU_BYTES):
                self.socket.sendto(written, self.remote)
        except SSL.WantReadError:
            pass
        if done and not self._connected.is_set():
            salt = SALT_BYTES[client.get_selected_srtp_profile().decode()]
            material = client.export_keying_material(b"EXTRACTOR-dtls_srtp", 2 * (KEY_BYTES + salt))
            salts = material[2 * KEY_BYTES :]
            self.sending_keys = material[:KEY_BYTES] + salts[:salt]
            self.receiving_keys = material[KEY_BYTES : 2 * KEY_BYTES] + salts[salt:]
            self._connected.set()

    def close(self) -> None:
        """Close the socket."""
        self.socket.close()


def _dtls_client() -> SSL.Connection:
    context = SSL.Context(SSL.DTLS_CLIENT_METHOD)
    context.set_verify(SSL.VERIFY_NONE)
    context.use_certificate(CERTIFICATE.certificate)
    context.use_privatekey(CERTIFICATE.key)
    context.set_tlsext_use_srtp(PROFILE)
    context.set_options(SSL.OP_NO_QUERY_MTU)
    connection = SSL.Connection(context, None)
    connection.set_connect_state()
    connection.set_ciphertext_mtu(MTU_BYTES)
    return connection
