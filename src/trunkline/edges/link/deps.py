"""What a link session needs from the rest of the server."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

from trunkline.base.clock import Randomness
from trunkline.domain.identity import Caller
from trunkline.domain.limits import Rate
from trunkline.services.apps.authentication import ClientIdentity
from trunkline.services.log.engine import Engine
from trunkline.services.messages.send import Sender
from trunkline.services.operation import Operation
from trunkline.services.sessions.hub import Hub

DEFAULT_RATE = Rate(200, 1000)


@dataclass(frozen=True, slots=True)
class LinkLimits:
    """Bounds of one connection.

    Attributes:
        window: requests in flight.
        max_frame_bytes: largest frame accepted.
        heartbeat_s: silence after which the server pings; twice as long closes.
        hello_timeout_s: how long a connection may stay without hello.
        rate: requests per connection.
        push_buffer_bytes: unsent bytes above which pushes are dropped and the client is told to sync.
        close_buffer_bytes: unsent bytes above which the connection is closed.
    """

    window: int = 128
    max_frame_bytes: int = 262_144
    heartbeat_s: float = 30.0
    hello_timeout_s: float = 10.0
    rate: Rate = DEFAULT_RATE
    push_buffer_bytes: int = 1_048_576
    close_buffer_bytes: int = 8_388_608


@dataclass(slots=True)
class LinkDeps:
    """Services and limits; ``limits`` may be replaced while running (configuration reload)."""

    engine: Engine
    hub: Hub
    operations: Mapping[str, Operation]
    sender: Sender
    randomness: Randomness
    authenticate: Callable[[str, str], Awaitable[ClientIdentity]]
    """(token, device) -> identity."""
    recheck: Callable[[ClientIdentity], Awaitable[None]]
    """Whether the identity still holds; the last thing awaited before a session is registered."""
    note_device: Callable[[Caller, str], Awaitable[object]]
    """(caller, platform): remember that the device signed in."""
    forget: Callable[[object], None]
    """A session ended."""
    limits: LinkLimits
    draining: bool = False
    last_session_epoch: int = 0

    def next_session_epoch(self) -> int:
        """Grows with every hello, also across restarts, because it follows the clock."""
        self.last_session_epoch = max(self.engine.clock.now_ms(), self.last_session_epoch + 1)
        return self.last_session_epoch
