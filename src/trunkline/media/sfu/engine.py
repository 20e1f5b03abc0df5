"""The embedded media engine: makes connections on one host. Implements ``services.live.ports.MediaEngine``."""

from __future__ import annotations

from trunkline.media.sfu.connection import Connection
from trunkline.media.sfu.host import Host
from trunkline.services.live.ports import MediaConnection, MediaListener


class SfuEngine:
    """Connections on one host."""

    def __init__(self, host: Host) -> None:
        self._host = host

    def connect(self, listener: MediaListener) -> MediaConnection:
        """A new connection, waiting for its first offer."""
        connection = Connection(self._host, listener)
        self._host.take(connection)
        return connection
