"""The embedded media engine: makes connections on one host. Implements ``services.live.ports.MediaEngine``."""

from __future__ import annotations

from trunkline.media.sfu.connection import Connection
from trunkline.media.sfu.dual import DualConnection
from trunkline.media.sfu.host import Host
from trunkline.services.live.ports import MediaConnection, MediaListener


class SfuEngine:
    """Connections on one host."""

    def __init__(self, host: Host) -> None:
        self._host = host

    def connect(self, listener: MediaListener, *, dual: bool = False, tcp_only: bool = False) -> MediaConnection:
        """A new connection, waiting for its first offer; ``dual``: one for each way."""
        if dual:
            both = DualConnection(self._host, listener, tcp_only=tcp_only)
            self._host.take(both.source)
            self._host.take(both.receiving)
            return both
        connection = Connection(self._host, listener, tcp_only=tcp_only)
        self._host.take(connection)
        return connection
