"""The numbers a client works by: times, sizes and bounds, all with defaults.

What is not here: behaviour.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(slots=True, frozen=True, kw_only=True)
class Options:
    """Tuning of one client.

    Attributes:
        connect_timeout_s: for the TCP, TLS and WebSocket handshakes together.
        request_timeout_s: after which an unanswered request counts as "outcome unknown".
        call_timeout_s: how long a call keeps trying, reconnections included.
        upload_timeout_s: after which an upload that makes no progress counts as interrupted, and goes on anew.
        max_outbox: most messages waiting to be accepted.
        lane_window: most messages of one conversation sent and unanswered.
        deliver_every_s: how often delivered and read positions are reported.
        auto_delivered: report entries as delivered once they are stored.
        initial_history: how many entries of a conversation a new device pulls; None for all it may see.
        sync_page: conversations per page of a sync.
        history_page: entries per pull.
        parallel_pulls: conversations pulled at the same time.
        max_frame_bytes: largest frame accepted from the server.
        max_notices: most typing and presence notices waiting for a slow callback, the oldest go first; and most
            messages of a room waiting for its iterator, beyond which those that are not reliable are dropped.
        close_timeout_s: how long a close waits for the server.
    """

    connect_timeout_s: float = 10.0
    request_timeout_s: float = 15.0
    call_timeout_s: float = 30.0
    upload_timeout_s: float = 60.0
    max_outbox: int = 10_000
    lane_window: int = 16
    deliver_every_s: float = 0.2
    auto_delivered: bool = True
    initial_history: int | None = None
    sync_page: int = 200
    history_page: int = 200
    parallel_pulls: int = 4
    max_frame_bytes: int = 16 * 1024 * 1024
    max_notices: int = 1_000
    close_timeout_s: float = 2.0
