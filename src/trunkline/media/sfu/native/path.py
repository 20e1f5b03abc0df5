"""What the packet thread knows of one peer: its keys, where it is, and the credentials of its checks.

Not here: its tracks (``tracks``), deciding anything about the path (``peer``, ``protocol/stun``).
"""

from __future__ import annotations

from typing import Any, Protocol

from trunkline.media.sfu.dtls import SrtpKeys
from trunkline.media.sfu.streams import is_stream
from trunkline.protocol.stun import Address, IceLiteAgent

PROFILES = {"SRTP_AEAD_AES_128_GCM": 7, "SRTP_AES128_CM_SHA1_80": 1}


class Owner(Protocol):
    """The peer, as the thread's events reach it."""

    def receive_report(self, compound: bytes, now_s: float) -> None:
        """A decrypted RTCP compound."""

    def send_media(self, datagram: bytes) -> None:
        """Media that leaves some other way than over the UDP port."""


class KernelPath:
    """One peer in the packet thread.

    Args:
        port: the kernel's ``Port``.

    Attributes:
        number: by which the kernel knows it.
        owner: hears what the thread has for it.
    """

    __slots__ = ("_bound", "_checks", "_selected", "number", "owner", "port")

    def __init__(self, port: Any) -> None:
        self.port = port
        self.number: int = port.peer_add()
        self.owner: Owner | None = None
        self._bound: set[Address] = set()
        self._selected: Address | None = None
        self._checks: tuple[str, str] | None = None

    def set_keys(self, keys: SrtpKeys) -> None:
        """DTLS is done: media can be opened and sent."""
        self.port.peer_keys(self.number, PROFILES[keys.profile], keys.receive, keys.send)

    def follow(self, ice: IceLiteAgent, address: Address) -> None:
        """Tell the thread what a check from ``address`` has changed."""
        checks = (f"{ice.ufrag}:{ice.remote_ufrag}", ice.password)
        if checks != self._checks:
            self._checks = checks
            self.port.peer_consent(self.number, checks[0].encode(), checks[1].encode())
        if address not in self._bound and ice.is_validated(address) and not is_stream(address):
            if len(self._bound) > len(ice.addresses) + 8:
                self._bound.intersection_update(ice.addresses)
            self._bound.add(address)
            self.port.peer_bind(self.number, *address)
        if ice.selected != self._selected and ice.selected is not None:
            self._selected = ice.selected
            udp = not is_stream(ice.selected)
            self.port.peer_reach(self.number, ice.selected[0] if udp else None, ice.selected[1] if udp else 0)

    def heard_s(self) -> float:
        """When the thread last answered a check."""
        state = self.port.peer_state(self.number)
        return float(state[0]) if state is not None else 0.0

    def has_media(self) -> bool:
        """Whether any came."""
        state = self.port.peer_state(self.number)
        return state is not None and state[2] > 0

    def receive(self, datagram: bytes) -> None:
        """Media that came some other way than over the UDP port."""
        self.port.peer_receive(self.number, datagram)

    def send_rtcp(self, compound: bytes) -> None:
        """Encrypt and send a compound."""
        self.port.peer_send_rtcp(self.number, compound)

    def close(self) -> None:
        """Forget the peer, with its tracks."""
        self.port.peer_remove(self.number)
