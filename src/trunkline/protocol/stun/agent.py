"""The ICE-lite agent of one peer connection (RFC 8445 sections 2.5, 7.3 and 8.1.1; consent: RFC 7675).

We only answer checks: the client, always the controlling side, finds the path and nominates it. An address counts as
*validated* once a check with the right integrity came from it, and DTLS is accepted from any validated address, not
only the nominated one, because a browser starts its handshake before its nomination arrives.

The client's periodic checks are also its consent: when none has come for ``CONSENT_TIMEOUT_S``, nothing more is sent.

Not here: finding the agent for a datagram (by the username's first half), and the socket.
"""

from __future__ import annotations

from dataclasses import dataclass

from trunkline.protocol.stun.message import (
    BINDING,
    Attribute,
    MessageClass,
    StunMessage,
    error_value,
    xor_address,
)

Address = tuple[str, int]
"""Host (a literal) and port of a remote transport address; what follows a ``%`` in the host is not of the address."""

CONSENT_TIMEOUT_S = 30.0
"""RFC 7675 section 5.1: consent expires 30 seconds after the last valid check."""
MAX_ADDRESSES = 32
"""Addresses kept per peer: a client with four interfaces and some relays needs a dozen."""
UNDERSTOOD = frozenset(Attribute)


@dataclass(slots=True, frozen=True)
class StunReply:
    """What a check leads to.

    Attributes:
        data: the datagram to send back; None when nothing is.
        validated: this address was not validated before.
        selected: media goes to this address from now on.
    """

    data: bytes | None
    validated: bool = False
    selected: bool = False


NOTHING = StunReply(None)


class IceLiteAgent:
    """Answers one client's connectivity checks.

    Args:
        ufrag: our username fragment, as in the SDP.
        password: our password, as in the SDP.
        remote_ufrag: the client's username fragment.
        now_s: monotonic seconds; consent is counted from here.
    """

    __slots__ = ("_heard", "_previous", "heard_s", "password", "remote_ufrag", "selected", "ufrag")

    def __init__(self, ufrag: str, password: str, remote_ufrag: str, now_s: float) -> None:
        self.ufrag = ufrag
        self.password = password
        self.remote_ufrag = remote_ufrag
        self.selected: Address | None = None
        self.heard_s = now_s
        self._heard: dict[Address, float] = {}
        self._previous: tuple[str, str, str] | None = None

    def restart(self, ufrag: str, password: str, remote_ufrag: str) -> None:
        """New credentials (RFC 8445 section 9). Media goes on over the old path until the new one is nominated."""
        if self.remote_ufrag:  # a restart that the client never answered leaves the path before it as it was
            self._previous = (self.ufrag, self.password, self.remote_ufrag)
        self.ufrag, self.password, self.remote_ufrag = ufrag, password, remote_ufrag

    def is_validated(self, address: Address) -> bool:
        """Whether a valid check came from this address."""
        return address in self._heard

    @property
    def addresses(self) -> list[Address]:
        """Every validated address."""
        return list(self._heard)

    def consented(self, now_s: float) -> bool:
        """Whether we may send: a valid check came recently enough."""
        return now_s - self.heard_s < CONSENT_TIMEOUT_S

    def on_message(self, message: StunMessage, address: Address, now_s: float) -> StunReply:
        """A STUN message came from an address.

        Only Binding requests are answered; what fails authentication is refused as RFC 8489 section 9.1.3 says, and
        changes nothing.
        """
        if message.kind is not MessageClass.REQUEST or message.method != BINDING:
            return NOTHING
        username = message.username
        if username is None or not message.has_integrity:
            return StunReply(_error(message, 400, "Bad Request", None))
        password = self._password_for(username)
        if password is None or not message.verify(password):
            return StunReply(_error(message, 401, "Unauthorized", None))
        unknown = [kind for kind, _ in message.attributes if kind < 0x8000 and kind not in UNDERSTOOD]
        if unknown:
            return StunReply(_unknown(message, unknown, password))
        if message.get(Attribute.ICE_CONTROLLED) is not None:
            # A lite agent is never controlling (RFC 8445 section 6.1.1): the other side has to switch.
            return StunReply(_error(message, 487, "Role Conflict", password))
        return self._accept(message, address, now_s, password)

    def _password_for(self, username: str) -> str | None:
        if username == f"{self.ufrag}:{self.remote_ufrag}":
            return self.password
        if self._previous is not None:
            ufrag, password, remote_ufrag = self._previous
            if username == f"{ufrag}:{remote_ufrag}":
                return password
        return None

    def _accept(self, message: StunMessage, address: Address, now_s: float, password: str) -> StunReply:
        fresh = address not in self._heard
        if fresh and len(self._heard) >= MAX_ADDRESSES:
            self._forget_oldest()
        self._heard[address] = now_s
        self.heard_s = now_s
        selected = False
        nominated = message.get(Attribute.USE_CANDIDATE) is not None
        if self.selected != address and (nominated or self.selected is None):
            # Before any nomination the first validated address serves, so that DTLS can begin at once.
            self.selected = address
            selected = True
        if nominated and password == self.password:
            self._previous = None
        reply = StunMessage(MessageClass.SUCCESS, BINDING, message.transaction)
        reply.attributes.append((Attribute.XOR_MAPPED_ADDRESS, xor_address(*address, message.transaction)))
        return StunReply(reply.serialize(password), fresh, selected)

    def _forget_oldest(self) -> None:
        candidates = [address for address in self._heard if address != self.selected]
        del self._heard[min(candidates, key=self._heard.__getitem__)]


def _error(message: StunMessage, code: int, reason: str, password: str | None) -> bytes:
    reply = StunMessage(MessageClass.ERROR, BINDING, message.transaction)
    reply.attributes.append((Attribute.ERROR_CODE, error_value(code, reason)))
    return reply.serialize(password)


def _unknown(message: StunMessage, unknown: list[int], password: str) -> bytes:
    reply = StunMessage(MessageClass.ERROR, BINDING, message.transaction)
    reply.attributes.append((Attribute.ERROR_CODE, error_value(420, "Unknown Attribute")))
    listed = b"".join(kind.to_bytes(2, "big") for kind in unknown[:16])
    reply.attributes.append((Attribute.UNKNOWN_ATTRIBUTES, listed))
    return reply.serialize(password)
