"""How much a room may send to each of its members: messages and bytes per second, with a short burst.

Reliable messages are always sent and may leave a debt; what is not reliable gets what is left.
"""

from __future__ import annotations


class Budget:
    """Two levels that fill with time. All amounts are per member: the room's size does not matter here.

    Args:
        messages_per_s: and
        bytes_per_s: what one member gets.
        burst_ms: unused allowance is kept for so long.
        now_ms: it begins full.
    """

    def __init__(self, messages_per_s: int, bytes_per_s: int, burst_ms: int, now_ms: int) -> None:
        self.messages_per_s = messages_per_s
        self.bytes_per_s = bytes_per_s
        self._burst_ms = burst_ms
        self._at_ms = now_ms
        self._messages = messages_per_s * burst_ms
        self._bytes = bytes_per_s * burst_ms

    def left(self, now_ms: int) -> tuple[int, int]:
        """Whole messages and bytes that may be sent now; 0 while there is debt."""
        elapsed_ms = now_ms - self._at_ms
        if elapsed_ms > 0:
            self._at_ms = now_ms
            self._messages += elapsed_ms * self.messages_per_s
            self._bytes += elapsed_ms * self.bytes_per_s
        self._messages = min(self._messages, self.messages_per_s * self._burst_ms)
        self._bytes = min(self._bytes, self.bytes_per_s * self._burst_ms)
        return max(0, self._messages // 1000), max(0, self._bytes // 1000)

    def spend(self, messages: int, size_bytes: int) -> None:
        """These were sent. A debt is at most one burst: a flood of reliable messages must not silence a room."""
        self._messages = max(self._messages - messages * 1000, -self.messages_per_s * self._burst_ms)
        self._bytes = max(self._bytes - size_bytes * 1000, -self.bytes_per_s * self._burst_ms)
