"""Who is asking: the result of authentication, passed to every use case."""

from __future__ import annotations

from dataclasses import dataclass, field

SYSTEM_PARTY = "bot/system"
"""The sender of what an app server does in its own name."""


@dataclass(slots=True, frozen=True)
class Caller:
    """An authenticated caller.

    Attributes:
        app: the tenant; nothing a caller does reaches outside it.
        party: in whose name it acts. An app server acts as ``bot/system`` unless it names a party.
        device: the device of a client caller, empty for an app server.
        server: True for an app server (API key and secret): it may do anything inside its app
            that its key's scopes allow, without being a member.
        scopes: of the API key; clients have none.
        key: the API key that vouches for this caller.
        rooms: patterns of rooms that a client's token opens (``grants.im.rooms``).
    """

    app: str
    party: str
    device: str = ""
    server: bool = False
    scopes: frozenset[str] = field(default_factory=frozenset)
    key: str = ""
    rooms: tuple[str, ...] = ()

    @property
    def guest(self) -> bool:
        """Guests read and write where they were let in, and nothing else."""
        return self.party.startswith("guest/")
