"""Bounds of all rooms of a server; a room's own settings stay within them."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class RoomLimits:
    """Bounds.

    Attributes:
        tick_ms: least time between two batches for a member of a room.
        turn: connections written to before the event loop gets its turn.
        grace_ms: how long a member whose connection broke may be away before its stay ends.
        capacity: members of one room.
        bytes_per_s: what one member of one room is sent at most, beyond which samples are taken.
        burst_ms: unused budget is kept for so long.
        slow_bytes: unread bytes of a connection above which it gets no samples.
        skip_bytes: unread bytes of a connection above which it gets nothing until it has caught up.
        rooms_per_connection: rooms one connection is in at once.
        volatile_bytes: largest content of a message that is not reliable.
        samples: messages kept at most per room and tick, from which a sample is taken.
        keys: different latest-wins and coalescing keys that wait at most per room and tick.
        batch_bytes: a batch larger than this is sent as several frames.
    """

    tick_ms: int = 50
    turn: int = 200
    grace_ms: int = 10_000
    capacity: int = 100_000
    bytes_per_s: int = 1_048_576
    burst_ms: int = 500
    slow_bytes: int = 65_536
    skip_bytes: int = 262_144
    rooms_per_connection: int = 20
    volatile_bytes: int = 4_096
    samples: int = 4_000
    keys: int = 2_000
    batch_bytes: int = 131_072
