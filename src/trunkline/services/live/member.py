"""One participant's side of a live session: publishing, subscribing, data, and telling others.

Not here: sessions and their end (``sessions``), the messages on the wire (``edges/livekit``).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from trunkline.base.errors import Code, TrunklineError
from trunkline.domain.live import Kind, LiveSession, Participant, Permission, Source, State, Track, TrackRequest
from trunkline.domain.live.membership import Standing
from trunkline.domain.live.quality import Quality
from trunkline.services.live import happenings
from trunkline.services.live.announcing import Announcements
from trunkline.services.live.happenings import Happenings
from trunkline.services.live.ports import MediaConnection, MediaListener, Signalling, TrackMedia, disconnected
from trunkline.services.live.roster import Roster


class LiveMember:
    """One participant, from joining to leaving.

    Args:
        session: where it is.
        participant: who it is.
        roster: the members of all sessions.
        signalling: its connection; None while it is away and may resume.
        connect: makes its media connection.
        happened: is told what happens.
        announcements: tell the others.
    """

    def __init__(
        self,
        session: LiveSession,
        participant: Participant,
        roster: Roster[LiveMember],
        signalling: Signalling,
        connect: Callable[[MediaListener], MediaConnection],
        happened: Happenings,
        announcements: Announcements,
    ) -> None:
        self.session = session
        self.participant = participant
        self.signalling: Signalling | None = signalling
        self._roster = roster
        self._happened = happened
        self._announcements = announcements
        self.media: MediaConnection = connect(self)
        self._receiving: set[str] = set()
        self._told_subscribed: set[str] = set()
        self._granted = participant.permission
        self._standing: Standing | None = None
        self._missed: dict[str, Participant] = {}
        """Others that left while this one was away."""
        self.told_quality: dict[str, Quality] = {}
        self.last_sequence = 0
        """Of the messages this client numbers; clients that resume send later ones again."""
        self._gone = False

    # --- what the client asks ---------------------------------------------------------------

    def offer(self, sdp: str, offer_id: int) -> None:
        """The client offers; the answer goes to signalling.

        Raises:
            TrunklineError: ``INVALID_PARAMS``.
        """
        answer = self.media.answer(sdp)
        if self.signalling is not None:
            self.signalling.on_answer(answer.sdp, offer_id, answer.tracks_by_mid)
            if answer.missing_audio or answer.missing_video:
                self.signalling.on_sections_needed(answer.missing_audio, answer.missing_video)

    def answer(self, sdp: str, number: int) -> None:
        """The client answers our offer.

        Raises:
            TrunklineError: ``INVALID_PARAMS``.
        """
        self.media.take_answer(sdp, number)

    def publish(self, request: TrackRequest) -> None:
        """Announce a track.

        Raises:
            TrunklineError: ``FORBIDDEN``.
        """
        track = self.participant.publish(self._roster.new_sid("TR_"), request)
        redundant = request.kind is Kind.AUDIO and not (request.disable_red or request.stereo or request.encryption)
        self.media.announce(request.cid, track.sid, redundant=redundant, codec=request.codec)
        if self.signalling is not None:
            self.signalling.on_published(request.cid, track)

    def mute(self, sid: str, muted: bool) -> None:
        """The client muted or unmuted a track of its own."""
        if self.participant.mute(sid, muted):
            self.media.mute(sid, muted)
            self._tell_others()

    def mute_by_server(self, sid: str, muted: bool) -> None:
        """An administrator mutes a track: the client is told to."""
        if self.participant.mute(sid, muted):
            self.media.mute(sid, muted)
            if self.signalling is not None:
                self.signalling.on_muted(sid, muted)
            self._tell_others(myself=True)

    def grant(self, permission: Permission) -> None:
        """Change what the participant was granted; its standing can still take away from that."""
        self._granted = permission
        self._permit(permission if self._standing is None else self._standing.limit(permission))

    def stand(self, standing: Standing) -> None:
        """The participant's standing in the conversation is this."""
        if standing != self._standing:
            self._standing = standing
            self._permit(standing.limit(self._granted))

    def _permit(self, permission: Permission) -> None:
        """Change what the participant may do, from now on; what it may not publish any more ends."""
        if permission == self.participant.permission:
            return
        was_hidden = self.participant.permission.hidden
        self.participant.permission = permission
        self.participant.version += 1
        for track in tuple(self.participant.tracks.values()):
            if not permission.may_publish(track.source):
                self.unpublish(track.sid)
        self.reconcile()
        if permission.hidden and not was_hidden:
            gone = replace(self.participant, state=State.DISCONNECTED)
            self._announcements.tell(self.session, gone, but=self)
        self._tell_others(myself=True)

    def subscribe(self, track_sids: Sequence[str], subscribe: bool) -> None:
        """Wish for tracks, or wish them away."""
        for sid in track_sids:
            if subscribe and self.signalling is not None and self.session.find_track(sid) is None:
                self.signalling.on_unknown_track(sid)
                continue
            self.participant.subscriptions[sid] = subscribe
        self.reconcile()

    def limit(self, track_sids: Sequence[str], quality: int | None) -> None:
        """Get at most this quality of tracks; None pauses them."""
        for sid in track_sids:
            if sid in self._receiving:
                self.media.limit(sid, quality)

    def identity_of(self, sid: str) -> str:
        """The identity of another participant of the session; "" when there is none."""
        return next((p.identity for p in self.session.participants.values() if p.sid == sid), "")

    def allow(self, allowed: dict[str, frozenset[str]] | None) -> None:
        """Say who may get this participant's tracks; None: everyone."""
        before = {
            (other, sid): self.participant.lets(other.participant.identity, sid)
            for other in self._roster.members(self.session)
            for sid in self.participant.tracks
            if other is not self
        }
        self.participant.allowed = allowed
        for (other, sid), was_allowed in before.items():
            now_allowed = self.participant.lets(other.participant.identity, sid)
            if now_allowed != was_allowed and other.signalling is not None:
                other.signalling.on_subscription_allowed(self.participant.sid, sid, now_allowed)
        for other in self._roster.members(self.session):
            if other is not self:
                other.reconcile()

    def correct(
        self, sid: str, *, features: tuple[int, ...] | None = None, size: tuple[int, int] | None = None
    ) -> None:
        """The client says what a track of its own has become: features of audio, or the size of pictures.

        Raises:
            TrunklineError: ``UNKNOWN_RESOURCE``.
        """
        track = self.participant.tracks.get(sid)
        if track is None:
            raise TrunklineError(Code.UNKNOWN_RESOURCE, "this participant has no such track", field="track_sid")
        request = track.request if features is None else replace(track.request, audio_features=features)
        track.request = request if size is None else replace(request, width=size[0], height=size[1])
        self.participant.version += 1
        self._tell_others(myself=True)

    def describe(self, name: str | None, metadata: str | None, attributes: dict[str, str], *, own: bool) -> None:
        """Change the name, metadata or attributes; ``own``: the client asks itself.

        Raises:
            TrunklineError: ``FORBIDDEN`` or ``INVALID_PARAMS``.
        """
        if own and not self.participant.permission.can_update_metadata:
            raise TrunklineError(Code.FORBIDDEN, "the token does not let this participant change its own metadata")
        self.participant.describe(name, metadata, attributes)
        self._tell_others(myself=True)

    def send_data(
        self, label: str, data: bytes, identities: Sequence[str], sids: Sequence[str] = (), *, wait: bool = False
    ) -> None:
        """Pass a message on to others: those named, or all. ``wait``: also to those who are still connecting.

        Raises:
            TrunklineError: ``FORBIDDEN``.
        """
        if not self.participant.permission.can_publish_data:
            raise TrunklineError(Code.FORBIDDEN, "the token does not let this participant send data")
        wanted = frozenset(identities)
        wanted_sids = frozenset(sids)
        for other in self._roster.members(self.session):
            if other is self:
                continue
            named = other.participant.identity in wanted or other.participant.sid in wanted_sids
            if named or not (wanted or wanted_sids):
                other.media.send_data(label, data, wait=wait)

    def resume(self, signalling: Signalling) -> None:
        """The client came back on another signalling connection; its media went on."""
        self.signalling = signalling
        missed, self._missed = self._missed, {}
        present = {other.identity for other in self.session.others(self.participant)}
        gone = [other for identity, other in missed.items() if identity not in present]
        signalling.on_participants([*gone, *self.session.others(self.participant), self.participant])
        signalling.on_room(self.session)
        self.media.offer(restart=True)

    def away(self, signalling: Signalling) -> bool:
        """The signalling connection broke: whether it was the present one, so that the time to resume begins."""
        if self.signalling is not signalling:
            return False
        self.signalling = None
        return True

    def leave(self, reason: str, *, rejoin: bool = False, tell: bool = True) -> None:
        """The participant is gone: its tracks end, others are told."""
        if self._gone:
            return
        self._gone = True
        if self.signalling is not None and tell:
            self.signalling.on_left(reason, rejoin=rejoin)
        self.media.close()
        left = self._roster.leave(self)
        was_active = self.participant.state is State.ACTIVE
        participant = disconnected(self.participant)
        if participant.tracks:
            for other in self._roster.members(self.session):
                other.drop_tracks(tuple(participant.tracks))
        if left and not participant.permission.hidden:
            self._announcements.tell(self.session, participant)
        if left:
            for track in participant.tracks.values():
                if track.live:
                    self._happened.tell(happenings.Kind.UNPUBLISHED, self.session, participant, track)
            kind = happenings.Kind.LEFT if was_active else happenings.Kind.ABORTED
            self._happened.tell(kind, self.session, participant)

    def on_gone(self, gone: Sequence[Participant]) -> None:
        """Other participants left while this one is away."""
        self._missed |= {participant.identity: participant for participant in gone}

    # --- what media says --------------------------------------------------------------------

    def on_connected(self) -> None:
        """Media can flow: the participant is active."""
        if self.participant.state is not State.ACTIVE:
            self.participant.state = State.ACTIVE
            self.participant.version += 1
            self._tell_others()
            self._happened.tell(happenings.Kind.JOINED, self.session, self.participant)

    def on_tracks_live(self, tracks: Sequence[TrackMedia]) -> None:
        """Announced tracks can flow: others are told and get them."""
        for media in tracks:
            track = self.participant.tracks.get(media.sid)
            if track is not None:
                track.live, track.mid, track.mime_type = True, media.mid, media.mime_type
                track.simulcast = media.simulcast
                self.media.mute(track.sid, track.muted)
                self.media.rank(track.sid, rank_of(track.source, speaks=False))
                self._happened.tell(happenings.Kind.PUBLISHED, self.session, self.participant, track)
        self.participant.version += 1
        self._tell_others(myself=True)
        for other in self._roster.members(self.session):
            if other is not self:
                other.reconcile()

    def on_tracks_ended(self, sids: Sequence[str]) -> None:
        """The client stopped publishing tracks."""
        for sid in sids:
            self.unpublish(sid)

    def unpublish(self, sid: str) -> None:
        """A track of this participant ends."""
        track = self.participant.unpublish(sid)
        if track is None:
            return
        self.media.unpublish(sid)
        for other in self._roster.members(self.session):
            if other is not self:
                other.drop_tracks((sid,))
        if self.signalling is not None:
            self.signalling.on_unpublished(sid)
        self._tell_others(at_once=True)
        if track.live:
            self._happened.tell(happenings.Kind.UNPUBLISHED, self.session, self.participant, track)

    def on_sections_needed(self, audio: int, video: int) -> None:
        """The client has to offer again."""
        if self.signalling is not None:
            self.signalling.on_sections_needed(audio, video)

    def on_offer(self, sdp: str, number: int, tracks_by_mid: Mapping[str, str]) -> None:
        """We offer what the client is sent."""
        if self.signalling is not None:
            self.signalling.on_offer(sdp, number, tracks_by_mid)

    def on_stream_state(self, sid: str, paused: bool) -> None:
        """A subscribed track is paused for want of bandwidth, or goes on."""
        found = self.session.find_track(sid)
        if found is not None and self.signalling is not None:
            self.signalling.on_stream_state(found[0].sid, sid, paused)

    def on_demand(self, sid: str, quality: int | None, layers: int) -> None:
        """Which layers of a track are wanted changed."""
        if self.signalling is not None:
            self.signalling.on_demand(sid, quality, layers)

    def on_data(self, label: str, data: bytes) -> None:
        """A message came on a data channel."""
        if self.signalling is not None:
            self.signalling.on_data(label, data)

    def on_lost(self, reason: str) -> None:
        """The transport is over; without media there is no participant."""
        self.leave(reason, rejoin=True)

    # --- subscriptions ----------------------------------------------------------------------

    def reconcile(self) -> None:
        """Make what is received equal to what is wanted and allowed."""
        wanted = {track.sid: (publisher, track) for publisher, track in self.session.tracks_for(self.participant)}
        self.drop_tracks(tuple(sid for sid in self._receiving if sid not in wanted))
        for sid, (publisher, track) in wanted.items():
            if sid not in self._receiving:
                self._receive(publisher, track)

    def _receive(self, publisher: Participant, track: Track) -> None:
        source = self._roster.member(self.session, publisher.identity)
        if source is None:
            return
        self._receiving.add(track.sid)
        self.media.subscribe(source.media, track.sid, track.sid, f"{publisher.sid}|{track.stream}")
        source.note_subscribed(track.sid)

    def note_subscribed(self, sid: str) -> None:
        """Somebody gets a track of this participant."""
        if sid not in self._told_subscribed and self.signalling is not None:
            self._told_subscribed.add(sid)
            self.signalling.on_subscribed(sid)

    def drop_tracks(self, sids: Sequence[str]) -> None:
        """Stop receiving tracks."""
        for sid in sids:
            if sid in self._receiving:
                self._receiving.discard(sid)
                self.media.unsubscribe(sid)

    def note_speaking(self, speaks: bool) -> None:
        """The participant began or stopped to speak: its picture matters more or less."""
        for track in self.participant.tracks.values():
            self.media.rank(track.sid, rank_of(track.source, speaks=speaks))

    def levels(self) -> int | None:
        """The loudest of this participant's microphones now, in -dBov; None when nothing is heard."""
        if not self.participant.tracks:
            return None
        heard = [
            level
            for sid, level in self.media.levels().items()
            if (track := self.participant.tracks.get(sid)) is not None
            and not track.muted
            and track.source is not Source.SCREEN_SHARE_AUDIO
        ]
        return min(heard, default=None)

    def heard_of(self) -> list[Participant]:
        """Whose connection matters to this participant: its own, and of those whose tracks it gets."""
        publishers = [p for p in self.session.participants.values() if not self._receiving.isdisjoint(p.tracks)]
        return [self.participant, *publishers]

    def _tell_others(self, *, myself: bool = False, at_once: bool = False) -> None:
        if not self.participant.permission.hidden:
            but = None if myself else self
            self._announcements.tell(self.session, self.participant, but=but, at_once=at_once)
        elif myself and self.signalling is not None:
            self.signalling.on_participants([self.participant])


def rank_of(source: Source, *, speaks: bool) -> int:
    """How important a track is where bandwidth is short: screens before who speaks, and those before the others."""
    if source is Source.SCREEN_SHARE:
        return 2
    return 1 if speaks else 0
