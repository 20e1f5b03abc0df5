"""A client's media over two connections, as the protocol of ``/rtc`` has it: one it publishes on, one it is sent on.

Implements ``services.live.ports.MediaConnection``. Not here: what either connection does.
"""

from __future__ import annotations

from collections.abc import Mapping

from trunkline.domain.live.quality import LinkQuality
from trunkline.domain.live.statistics import MediaStatistics
from trunkline.media.sfu.connection import Connection
from trunkline.media.sfu.host import Host
from trunkline.media.sfu.offering import SubscriberConnection
from trunkline.services.live.ports import Answer, MediaConnection, MediaListener


class DualConnection:
    """Two connections of one client.

    Args:
        host: what all connections share.
        listener: hears what happens on both.
        tcp_only: the client is told of no way by UDP.

    Attributes:
        source: where its tracks come from.
    """

    def __init__(self, host: Host, listener: MediaListener, *, tcp_only: bool = False) -> None:
        self.source = Connection(host, listener, tcp_only=tcp_only)
        self.receiving = SubscriberConnection(host, listener, listener.on_offer, tcp_only=tcp_only)

    def announce(self, cid: str, sid: str, *, redundant: bool, codec: str) -> None:
        """A coming offer will carry a track under this id."""
        self.source.announce(cid, sid, redundant=redundant, codec=codec)

    def answer(self, sdp: str) -> Answer:
        """Answer an offer for what the client publishes.

        Raises:
            TrunklineError: ``INVALID_PARAMS``.
        """
        return self.source.answer(sdp)

    def offer(self, *, restart: bool) -> None:
        """Offer what the client is sent."""
        self.receiving.offer(restart=restart)

    def take_answer(self, sdp: str, number: int) -> None:
        """The client answers our offer.

        Raises:
            TrunklineError: ``INVALID_PARAMS``.
        """
        self.receiving.take_answer(sdp, number)

    def subscribe(self, publisher: MediaConnection, track_sid: str, label: str, stream: str) -> None:
        """Send a track of another connection."""
        self.receiving.subscribe(publisher, track_sid, label, stream)

    def unsubscribe(self, track_sid: str) -> None:
        """Stop sending a track."""
        self.receiving.unsubscribe(track_sid)

    def limit(self, track_sid: str, quality: int | None) -> None:
        """Send at most this quality of a track; None pauses it."""
        self.receiving.limit(track_sid, quality)

    def mute(self, track_sid: str, muted: bool) -> None:
        """A published track was muted or unmuted."""
        self.source.mute(track_sid, muted)

    def unpublish(self, track_sid: str) -> None:
        """Drop a published track."""
        self.source.unpublish(track_sid)

    def send_data(self, label: str, data: bytes, *, wait: bool) -> bool:
        """Send a message, on the channels that we opened."""
        return self.receiving.send_data(label, data, wait=wait)

    def rank(self, track_sid: str, rank: int) -> None:
        """Say how important a published track is."""
        self.source.rank(track_sid, rank)

    def constrain(self, bitrate_bps: int | None) -> None:
        """Send pictures as if the path took no more than this."""
        self.receiving.constrain(bitrate_bps)

    def levels(self) -> Mapping[str, int]:
        """Loudness of the published audio tracks now."""
        return self.source.levels()

    def quality(self) -> LinkQuality:
        """How well packets travel, both ways."""
        return self.source.quality().joined(self.receiving.quality())

    def statistics(self) -> MediaStatistics:
        """Every track and both paths, now."""
        return self.source.statistics().receiving(self.receiving.statistics())

    def close(self) -> None:
        """End both connections."""
        self.receiving.close()
        self.source.close()
