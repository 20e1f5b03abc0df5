"""One client's media: its offers answered, sections given to tracks, packets in and out, reports on time.

Implements ``services.live.ports.MediaConnection``. A section that the client only receives in carries one
subscribed track; when there are too few, the client is told to offer more. Not here: the transport's protocols
(``peer``), what a track does with packets (``uptrack``, ``downtrack``).
"""

from __future__ import annotations

import time
from collections.abc import Mapping

from trunkline.base.errors import Code, TrunklineError
from trunkline.domain.live.quality import LinkQuality
from trunkline.domain.live.statistics import MediaStatistics
from trunkline.media.recovery.repeats import copies_for
from trunkline.media.sfu.bandwidth import Bandwidth
from trunkline.media.sfu.downlink import Downlink
from trunkline.media.sfu.downtrack import DownTrack, most_of
from trunkline.media.sfu.dynacast import Demand
from trunkline.media.sfu.host import CALM_TICK_S, Host
from trunkline.media.sfu.native.downlink import KernelDownlink
from trunkline.media.sfu.native.tracks import KernelDownTrack, KernelUplink
from trunkline.media.sfu.needs import SectionNeeds, Sections, count
from trunkline.media.sfu.peer import Peer
from trunkline.media.sfu.statistics import describe
from trunkline.media.sfu.uplink import Uplink, codecs_of, layers_of
from trunkline.media.sfu.uptrack import Layer, UpTrack
from trunkline.protocol.rtp import rtcp
from trunkline.protocol.rtp.arrivals import Arrivals
from trunkline.protocol.sctp.channels import ChannelEvent, ChannelMessage, ChannelOpened
from trunkline.protocol.sdp import Media, SdpError, Session, parse
from trunkline.protocol.sdp.answer import Choices, Local, Sending, check_offer, make_answer
from trunkline.services.live.ports import Answer, MediaConnection, MediaListener, TrackMedia

MAX_KEPT_BYTES = 1 << 20
"""Messages kept for a client whose channels are not open yet."""
DEMAND_S = 0.5
HEARD_S = 0.1
"""A loudness counts as present this long after the packet that told it."""


class Connection:
    """One client's media.

    Args:
        host: what all connections share.
        listener: hears what happens.
        tcp_only: the client is told of no way by UDP.

    Attributes:
        due_s: when the next tick is due.
        path: its place in the packet thread.
    """

    def __init__(self, host: Host, listener: MediaListener, *, tcp_only: bool = False) -> None:
        self._tcp_only = tcp_only
        self._host = host
        self._listener = listener
        self._peer: Peer | None = None
        self.path = host.make_path()
        if self.path is None:
            self._uplink = Uplink(Arrivals(time.monotonic()), recovery=host.recovery)
            self._link = Downlink(host.redundancy, recovery=host.recovery)
        else:
            self._uplink = KernelUplink(self.path, recovery=host.recovery)
            self._link = KernelDownlink(self.path, host.redundancy, recovery=host.recovery)
        self._bandwidth = Bandwidth(self._link)
        self._announced: dict[str, tuple[str, bool, str]] = {}
        self._published: dict[str, UpTrack] = {}
        self._down: dict[str, DownTrack] = {}
        self._names: dict[str, tuple[str, str]] = {}
        self._sections: dict[str, str] = {}
        """Mid of a section that carries a subscribed track, to the track."""
        self._waiting: dict[str, tuple[Connection, str, str]] = {}
        """Subscriptions from before the first offer: publisher, and their names in the answer."""
        self._demands: dict[str, Demand] = {}
        self._demanded_s = 0.0
        self.due_s = 0.0
        self._kept: list[tuple[str, bytes]] = []
        self._kept_bytes = 0
        self._receiving: dict[str, str] = {}
        """Mid and kind of the sections of the last offer that can carry subscribed tracks."""
        self._by_ssrc: dict[int, DownTrack] = {}
        self._remote_ufrag = ""
        self._counted = (0, 0)
        self._version = 0
        self._stale = False
        self._needs = SectionNeeds()
        self._identifier = str(host.random_bits(62))
        self._cname = host.random_text(16)
        self._closed = False

    # --- negotiation ------------------------------------------------------------------------

    def announce(self, cid: str, sid: str, *, redundant: bool, codec: str) -> None:
        """A coming offer will carry a track under this id."""
        self._announced[cid] = (sid, redundant, codec)

    def answer(self, sdp: str) -> Answer:
        """Answer the client's offer; a changed username restarts ICE.

        Raises:
            TrunklineError: ``INVALID_PARAMS``.
        """
        try:
            offer = parse(sdp)
            transport = check_offer(offer)
        except SdpError as error:
            raise TrunklineError(Code.INVALID_PARAMS, f"the offer cannot be used: {error}", field="sdp") from None
        peer = self._transport(transport)
        waiting, self._waiting = self._waiting, {}
        for sid, (publisher, label, stream) in waiting.items():
            self.subscribe(publisher, sid, label, stream)
        live = self._take_published(offer)
        self._assign(offer)
        self._stale = False
        self._version += 1
        local = Local(
            peer.ice.ufrag,
            peer.ice.password,
            self._host.certificate.fingerprint,
            self._host.candidates(tcp_only=self._tcp_only),
        )
        sending = {mid: self._sending(sid) for mid, sid in self._sections.items()}
        announced = {m.mid: self._announced[m.track] for m in offer.media if m.track in self._announced}
        redundant = [mid for mid, (_, wanted, _) in announced.items() if wanted]
        preferred = {mid: codec for mid, (_, _, codec) in announced.items() if codec}
        answer = make_answer(offer, local, Choices(sending, redundant, preferred), self._identifier, self._version)
        by_mid = dict(self._sections) | {mid: section.track.sid for mid, section in self._uplink.sections.items()}
        audio, video = self._needed() or (0, 0)
        result = Answer(answer.serialize(), by_mid, audio, video)
        if live:
            self._listener.on_tracks_live(live)
        return result

    def _transport(self, transport: Media) -> Peer:
        if self._peer is None:
            self._peer = self._host.make_peer(transport, self)
        elif transport.ufrag != self._remote_ufrag:
            self._host.restart(self._peer, transport.ufrag)
        self._remote_ufrag = transport.ufrag
        return self._peer

    def _take_published(self, offer: Session) -> list[TrackMedia]:
        """Sections the client sends in, and announced tracks they carry for the first time."""
        live: list[TrackMedia] = []
        sending = {m.mid for m in offer.media if m.direction in ("sendonly", "sendrecv") and not m.rejected}
        ended = [section.track.sid for mid, section in self._uplink.sections.items() if mid not in sending]
        for media in offer.media:
            if media.mid not in sending or media.mid in self._uplink.sections or media.kind == "application":
                continue
            announced = self._announced.get(media.track)
            if announced is None:
                continue
            sid, redundant, preferred = announced
            track = UpTrack(sid, media.kind, media.mid, codecs_of(media), layers_of(media), redundant=redundant)
            self._uplink.add(track, media)
            self._published[track.sid] = track
            self._demands[track.sid] = Demand(len(track.layers) - 1)
            codecs = [codec for codec in track.codecs.values() if codec.kind != "red"]
            first = next((codec for codec in codecs if codec.kind == preferred), next(iter(codecs), None))
            mime_type = f"{media.kind}/{first.name}" if first is not None else media.kind
            live.append(TrackMedia(track.sid, media.mid, mime_type, len(track.layers) > 1))
        if ended:
            self._listener.on_tracks_ended(ended)
        return live

    def _assign(self, offer: Session) -> None:
        """Give free sections to tracks that have none."""
        free = {m.mid: m for m in offer.media if m.direction == "recvonly" and not m.rejected}
        self._receiving = {mid: media.kind for mid, media in free.items()}
        self._needs.on_offer(count(list(self._receiving.values())))
        for mid in [mid for mid in self._sections if mid not in free]:
            del self._sections[mid]
        for mid, sid in self._sections.items():
            self._down[sid].assign(free[mid])
        for down in self._down.values():
            if down.mid in self._sections:
                continue
            media = next((m for m in free.values() if m.mid not in self._sections and down.accepts(m)), None)
            if media is None:
                down.mid = ""
                continue
            self._sections[media.mid] = down.up.sid
            down.assign(media)
            down.ask(time.monotonic())

    def _needed(self) -> Sections | None:
        """What the client has to be asked to offer now: tracks wait for sections, or one ended and it should know."""
        missing = count([down.up.kind for down in self._down.values() if not down.mid])
        if missing == (0, 0) and not self._stale:
            return None
        offered = count(list(self._receiving.values()))
        spare = count([kind for mid, kind in self._receiving.items() if mid not in self._sections])
        return self._needs.ask(missing, spare, offered)

    def _sending(self, sid: str) -> Sending:
        down = self._down[sid]
        label, stream = self._names[sid]
        return Sending(stream, label, down.ssrc, down.rtx_ssrc if down.up.kind == "video" else None, self._cname)

    def offer(self, *, restart: bool) -> None:
        """Nothing: here the client offers. After a break it may not have heard what it was asked for."""
        if restart:
            self._needs.forget()

    def take_answer(self, sdp: str, number: int) -> None:
        """Nothing: here the client offers."""

    # --- tracks -----------------------------------------------------------------------------

    @property
    def source(self) -> Connection:
        """The connection that this client publishes on."""
        return self

    def published(self, sid: str) -> UpTrack | None:
        """A track this client publishes."""
        return self._published.get(sid)

    def subscribe(self, publisher: MediaConnection, track_sid: str, label: str, stream: str) -> None:
        """Send a track of another connection to this one."""
        source = getattr(publisher, "source", None)
        if self._closed or track_sid in self._down or not isinstance(source, Connection):
            return
        if self._peer is None:
            self._waiting[track_sid] = (source, label, stream)
            return
        up = source.published(track_sid)
        if up is None:
            return
        make = DownTrack if self.path is None else KernelDownTrack
        down = make(
            up,
            self._peer,
            self._link,
            self._host.random_bits(32),
            self._host.random_bits(32),
            self._host.random_bits(15),
            self._host.random_bits(32),
            source.ask_key_frame,
        )
        self._down[track_sid] = down
        self._names[track_sid] = (label, stream)
        self._by_ssrc[down.ssrc] = down
        up.subscribers.append(down)
        self._host.note_needs(self)

    def tell_needs(self) -> None:
        """Ask the client to offer what it needs, unless it is about to."""
        needed = self._needed() if not self._closed else None
        if needed is not None:
            self._listener.on_sections_needed(*needed)

    def unsubscribe(self, track_sid: str) -> None:
        """Stop sending a track; its section is free for another."""
        self._waiting.pop(track_sid, None)
        down = self._down.pop(track_sid, None)
        if down is None:
            return
        self._names.pop(track_sid, None)
        self._by_ssrc.pop(down.ssrc, None)
        down.close()
        kept = {mid: sid for mid, sid in self._sections.items() if sid != track_sid}
        if len(kept) < len(self._sections) and not self._closed:
            # Only a new answer tells the client that the section carries nothing any more.
            self._stale = True
            self._host.note_needs(self)
        self._sections = kept

    def limit(self, track_sid: str, quality: int | None) -> None:
        """Send at most this quality of a subscribed track; None pauses it."""
        down = self._down.get(track_sid)
        if down is None:
            return
        down.wish = None if quality is None else min(quality, most_of(down.up))
        if down.up.kind == "audio":
            down.paused = quality is None
            return
        self._tell_starved(self._bandwidth.decide(self._down.values(), time.monotonic()))

    def _tell_starved(self, changed: list[tuple[str, bool]]) -> None:
        for sid, starved in changed:
            self._listener.on_stream_state(sid, starved)

    def rank(self, track_sid: str, rank: int) -> None:
        """Say how important a published track is: higher ranks get bandwidth first."""
        track = self._published.get(track_sid)
        if track is not None:
            track.rank = rank

    def mute(self, track_sid: str, muted: bool) -> None:
        """The publisher muted or unmuted a track; after unmuting, subscribers need a key frame."""
        track = self._published.get(track_sid)
        if track is None:
            return
        track.muted = muted
        if not muted and track.kind == "video":
            for layer in track.layers:
                self.ask_key_frame(track, layer)

    def unpublish(self, track_sid: str) -> None:
        """Drop a published track."""
        self._demands.pop(track_sid, None)
        track = self._published.pop(track_sid, None)
        if track is not None:
            self._uplink.remove(track.mid)
            track.subscribers.clear()

    def constrain(self, bitrate_bps: int | None) -> None:
        """Send pictures as if the path took no more than this; None ends it."""
        self._bandwidth.most_bps = bitrate_bps
        self._tell_starved(self._bandwidth.decide(self._down.values(), time.monotonic()))

    def levels(self) -> Mapping[str, int]:
        """Loudness of the published audio tracks now, in -dBov."""
        now_s = time.monotonic()
        return {
            track.sid: track.level
            for track in self._published.values()
            if track.level is not None and now_s - track.layers[0].arrived_s < HEARD_S
        }

    # --- data -------------------------------------------------------------------------------

    def send_data(self, label: str, data: bytes, *, wait: bool) -> bool:
        """Send a message on a data channel; what may wait is kept, within bounds, until the channel opens."""
        peer = self._peer
        channel = peer.channels.labelled(label) if peer is not None else None
        if peer is not None and channel is not None:
            self._hurry()
            return peer.send_data(channel, data, time.monotonic())
        if not wait or self._closed or self._kept_bytes + len(data) > MAX_KEPT_BYTES:
            return False
        self._kept.append((label, data))
        self._kept_bytes += len(data)
        return True

    def _send_kept(self, label: str) -> None:
        """The channel is open: what waited for it goes first."""
        kept, self._kept = self._kept, []
        self._kept_bytes = 0
        for waiting, data in kept:
            if waiting == label:
                self.send_data(label, data, wait=False)
            else:
                self.send_data(waiting, data, wait=True)

    # --- what the client sends (PeerSink) ---------------------------------------------------

    def on_connected(self) -> None:
        """Media can flow both ways."""
        self._listener.on_connected()
        now_s = time.monotonic()
        for down in self._down.values():
            down.ask(now_s)

    def on_rtp(self, packet: bytes, now_s: float) -> None:
        """A decrypted RTP packet."""
        self._uplink.on_rtp(packet, now_s)

    def on_rtcp(self, packets: list[rtcp.Packet], now_s: float) -> None:
        """A decrypted RTCP compound."""
        for packet in packets:
            if isinstance(packet, rtcp.SenderReport | rtcp.ReceiverReport):
                for block in packet.reports:
                    if block.ssrc in self._by_ssrc:
                        self._by_ssrc[block.ssrc].reported = (block.fraction_lost, block.jitter)
                        self._link.on_block(block, now_s)
            if isinstance(packet, rtcp.SenderReport):
                self._uplink.on_sender_report(packet, now_s)
            elif isinstance(packet, rtcp.TransportFeedback):
                self._link.on_feedback(packet.body, now_s)
                if self._bandwidth.pressed:
                    self._hurry()
            elif isinstance(packet, rtcp.ReceiverEstimate):
                self._link.estimate.on_estimate(packet.bitrate_bps, now_s)
            else:
                self._on_request(packet, now_s)

    def _on_request(self, packet: rtcp.Packet, now_s: float) -> None:
        """The client asks for packets again, or for a key frame."""
        if isinstance(packet, rtcp.Nack):
            down = self._by_ssrc.get(packet.media_ssrc)
            if down is not None:
                down.on_nack(packet.lost, now_s)
            return
        asked: tuple[int, ...] = ()
        if isinstance(packet, rtcp.PictureLoss):
            asked = (packet.media_ssrc,)
        elif isinstance(packet, rtcp.FullIntraRequest):
            asked = tuple(ssrc for ssrc, _ in packet.requests)
        for ssrc in asked:
            if ssrc in self._by_ssrc:
                self._by_ssrc[ssrc].ask(now_s)

    def on_channel(self, event: ChannelEvent) -> None:
        """A data channel was opened or closed, or a message came."""
        self._hurry()
        if isinstance(event, ChannelOpened):
            self._send_kept(event.channel.label)
        elif isinstance(event, ChannelMessage):
            self._listener.on_data(event.channel.label, event.data)

    def on_lost(self, reason: str) -> None:
        """The transport is over."""
        self._listener.on_lost(reason)

    # --- time and end -----------------------------------------------------------------------

    def tick(self, now_s: float, ntp: int) -> None:
        """Timers, reports, requests and feedback."""
        peer = self._peer
        if peer is None:
            return
        if self._host.recovery:
            peer.copies = copies_for(max(self._uplink.meter.loss, self._link.depth.loss))
            if isinstance(self._link, KernelDownlink):
                self._link.reports = peer.copies
                self._link.sync()
        peer.tick(now_s)
        self._link.pacer.release(now_s)
        self._uplink.round_trip_s = self._link.round_trip_s
        packets = self._uplink.due(now_s)
        for down in self._down.values():
            down.repeat(now_s)
            report = down.due(now_s, ntp)
            if report is not None:
                packets.append(report)
        if packets:
            peer.send_rtcp(packets)
        self._tell_starved(self._bandwidth.tick(self._down.values(), now_s))
        for track in self._published.values():
            for layer in (*track.layers, *track.scaled):
                if layer.flows(now_s):
                    layer.measure(now_s)
        if now_s - self._demanded_s >= DEMAND_S:
            self._demanded_s = now_s
            self._tell_demands(now_s)

        self.due_s = self._next_due_s(now_s)

    def _hurry(self) -> None:
        self.due_s = 0.0
        self._host.hurry()

    @property
    def listens(self) -> bool:
        """Whether it publishes sound."""
        return self._uplink.hears

    def listen(self) -> None:
        """Note how loud the microphones are, between ticks."""
        self._uplink.listen()

    def _next_due_s(self, now_s: float) -> float:
        """When to tick again; 0.0 for as soon as may be."""
        peer = self._peer
        if self.path is None or peer is None or self._bandwidth.probing:
            return 0.0
        together_s = (now_s // CALM_TICK_S + 1) * CALM_TICK_S  # one wake-up for all
        return min(together_s, peer.due_s)

    def _tell_demands(self, now_s: float) -> None:
        for sid, demand in self._demands.items():
            track = self._published[sid]
            if len(track.layers) > 1 and demand.update(track.wanted(), now_s):
                self._listener.on_demand(sid, demand.told, len(track.layers))

    def ask_key_frame(self, track: UpTrack, layer: Layer) -> None:
        """Ask this client, the publisher, for a key frame."""
        request = track.ask_key_frame(layer, time.monotonic())
        if request is not None and self._peer is not None:
            self._peer.send_rtcp([request])

    def quality(self) -> LinkQuality:
        """How well packets have travelled since this was last asked."""
        expected, received, jitter_s = self._uplink.counts()
        before, self._counted = self._counted, (expected, received)
        expected_now, received_now = expected - before[0], received - before[1]
        lost = 1 - received_now / expected_now if expected_now > 0 else 0.0
        return LinkQuality(
            up_loss=min(max(lost, 0.0), 1.0),
            down_loss=self._link.depth.loss,
            round_trip_s=self._link.round_trip_s or 0.0,
            jitter_s=jitter_s,
            starved=bool(self._bandwidth.starved),
        )

    def statistics(self) -> MediaStatistics:
        """Every track and the path, now."""
        published, downs = self._published.values(), self._down.values()
        up_loss = self._uplink.meter.loss
        return describe(published, downs, self._link, self._bandwidth, up_loss, time.monotonic())

    def close(self) -> None:
        """End the transport."""
        if self._closed:
            return
        self._closed = True
        for sid in tuple(self._down):
            self.unsubscribe(sid)
        for sid in tuple(self._published):
            self.unpublish(sid)
        if self._peer is not None:
            self._peer.close()
            self._host.drop(self._peer)
        self._host.drop_path(self.path)
        self._host.forget(self)
