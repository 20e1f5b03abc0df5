"""Tracks to a client over a connection where we offer and the client answers: one half of the protocol of ``/rtc``.

Offers follow one another: what changes while one is unanswered goes into the next. Not here: what the client
publishes (a ``Connection`` of its own), and putting the two together (``dual``).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from trunkline.base.errors import Code, TrunklineError
from trunkline.media.sfu.connection import Connection
from trunkline.media.sfu.host import Host
from trunkline.media.sfu.peer import Peer
from trunkline.protocol.sdp import Media, SdpError, Session, parse
from trunkline.protocol.sdp.answer import Local
from trunkline.protocol.sdp.offer import PayloadTypes, check_answer, data_section, make_offer, track_section
from trunkline.services.live.ports import MediaListener

Offered = Callable[[str, int, Mapping[str, str]], None]
"""(SDP, number of the offer, which track each section carries)."""


@dataclass(slots=True)
class _Place:
    """A section's place in all offers.

    Attributes:
        sid: the track it carries; "" for none.
        stopped: the client knows that it is stopped, so that another track may take the place.
    """

    media: Media
    sid: str = ""
    stopped: bool = False


class SubscriberConnection(Connection):
    """Tracks and data to one client.

    Args:
        host: what all connections share.
        listener: hears what happens.
        offered: takes offers to the client.
        tcp_only: the client is told of no way by UDP.
    """

    def __init__(self, host: Host, listener: MediaListener, offered: Offered, *, tcp_only: bool = False) -> None:
        super().__init__(host, listener, tcp_only=tcp_only)
        self._offered = offered
        self._peer: Peer = host.make_offering_peer(self)
        self._payload_types = PayloadTypes()
        self._places = [_Place(data_section("0"))]
        self._mids = 0
        self._number = 0
        self._unanswered = False
        self._changed = False
        now_s = time.monotonic()
        self._peer.channels.open("_reliable", now_s)
        self._peer.channels.open("_lossy", now_s, ordered=False, max_retransmits=0)

    def tell_needs(self) -> None:
        """Something is to be sent, or to be sent no more."""
        self.offer()

    def offer(self, *, restart: bool = False) -> None:
        """Offer what there is. ``restart``: with new ICE credentials, whatever became of the last offer."""
        if self._closed:
            return
        if restart:
            self._host.renew(self._peer)
        elif self._unanswered:
            self._changed = True
            return
        self._changed = False
        self._arrange()
        self._number += 1
        self._unanswered = True
        ice = self._peer.ice
        local = Local(
            ice.ufrag, ice.password, self._host.certificate.fingerprint, self._host.candidates(tcp_only=self._tcp_only)
        )
        offer = make_offer([place.media for place in self._places], local, self._identifier, self._number)
        tracks = {place.media.mid: place.sid for place in self._places if place.sid}
        self._offered(offer.serialize(), self._number, tracks)

    def _arrange(self) -> None:
        """Stop the sections of tracks that are gone, and give every other track a section."""
        carried: set[str] = set()
        for place in self._places:
            if place.sid and place.sid not in self._down:
                place.sid = ""
                place.media = Media(place.media.kind, 0, mid=place.media.mid, codecs=place.media.codecs)
            carried.add(place.sid)
        for sid, down in self._down.items():
            if sid in carried:
                continue
            formats = self._payload_types.formats(down.up.codecs.values(), redundant=down.up.redundant)
            self._mids += 1
            media = track_section(str(self._mids), down.up.kind, formats, self._sending(sid))
            place = next((place for place in self._places if place.stopped), None) or self._append(media)
            place.media, place.sid, place.stopped = media, sid, False

    def _append(self, media: Media) -> _Place:
        self._places.append(_Place(media))
        return self._places[-1]

    def take_answer(self, sdp: str, number: int) -> None:
        """The client answers; an answer to an offer that was overtaken counts for nothing.

        Raises:
            TrunklineError: ``INVALID_PARAMS``; nothing has changed.
        """
        if not self._unanswered or (number and number != self._number):
            return
        try:
            answer = parse(sdp)
            transport = check_answer(answer)
        except SdpError as error:
            raise TrunklineError(Code.INVALID_PARAMS, f"the answer cannot be used: {error}", field="sdp") from None
        self._unanswered = False
        assert transport.fingerprint is not None
        self._peer.begin(transport.ufrag, transport.fingerprint)
        self._take_sections(answer)
        if self._changed:
            self.offer()

    def _take_sections(self, answer: Session) -> None:
        now_s = time.monotonic()
        for place in self._places:
            section = answer.section(place.media.mid)
            if place.media.rejected:
                place.stopped = True
                continue
            down = self._down.get(place.sid)
            if down is None or section is None or section.rejected or down.mid == section.mid:
                continue
            self._sections[section.mid] = place.sid
            down.assign(section)
            down.ask(now_s)

    def send_data(self, label: str, data: bytes, *, wait: bool) -> bool:
        """Send a message on our channels; what may be lost is, while the client is still connecting."""
        if not wait and not self._peer.connected:
            return False
        return super().send_data(label, data, wait=wait)
