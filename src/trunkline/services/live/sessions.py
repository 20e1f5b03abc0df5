"""All live sessions: made on the first join or by an administrator, ended when empty, swept several times a second.

Not here: tokens (``edges/livekit``), what members do (``member``).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial

from trunkline.base.errors import Code, TrunklineError
from trunkline.domain.live import LiveSession, Participant, Permission, RoomSettings, Speakers
from trunkline.domain.live.membership import Standing
from trunkline.domain.live.quality import Quality, quality_of
from trunkline.services.live import happenings
from trunkline.services.live.announcing import Announcements
from trunkline.services.live.happenings import Happenings
from trunkline.services.live.member import LiveMember
from trunkline.services.live.ports import MediaEngine, Signalling
from trunkline.services.live.roster import Roster

RESUME_S = 15.0
"""How long a participant stays after its signalling broke; clients try to resume at once."""
MAX_NAME_CHARS = 256


@dataclass(slots=True, frozen=True)
class JoinRequest:
    """Who joins, as its token and its client say."""

    app: str
    room: str
    identity: str
    name: str = ""
    metadata: str = ""
    attributes: dict[str, str] = field(default_factory=dict)
    permission: Permission = field(default_factory=Permission)
    kind: int = 0
    auto_subscribe: bool = True
    may_create: bool = True
    standing: Standing | None = None
    """In the conversation; None when the session has none."""
    dual: bool = False
    tcp_only: bool = False
    settings: RoomSettings | None = None
    """Of the session, when this joining makes it."""


class LiveSessions:
    """The sessions of all apps.

    Args:
        engine: makes media connections.
        new_sid: makes an id from a prefix.
        now_ms: the time, in milliseconds since 1970.
    """

    def __init__(self, engine: MediaEngine, new_sid: Callable[[str], str], now_ms: Callable[[], int]) -> None:
        self._engine = engine
        self._now_ms = now_ms
        self._new_sid = new_sid
        self.roster: Roster[LiveMember] = Roster(new_sid, now_ms)
        self._announcements = Announcements(self.roster)
        self._sessions: dict[tuple[str, str], LiveSession] = {}
        self._speakers: dict[str, Speakers] = {}
        self._away: dict[LiveMember, float] = {}
        self.happened = Happenings()

    def find(self, app: str, name: str) -> LiveSession | None:
        """A session by name."""
        return self._sessions.get((app, name))

    def of_app(self, app: str) -> list[LiveSession]:
        """The sessions of an app."""
        return [session for (owner, _), session in self._sessions.items() if owner == app]

    def all(self) -> list[LiveSession]:
        """The sessions of all apps."""
        return list(self._sessions.values())

    def create(self, app: str, name: str, settings: RoomSettings | None = None) -> LiveSession:
        """A session of this name; the present one when there is one.

        Raises:
            TrunklineError: ``INVALID_PARAMS``.
        """
        if not 0 < len(name) <= MAX_NAME_CHARS:
            raise TrunklineError(
                Code.INVALID_PARAMS, f"a session's name has 1 to {MAX_NAME_CHARS} characters", field="name"
            )
        session = self.find(app, name)
        if session is None:
            now_ms = self._now_ms()
            session = LiveSession(
                app, self._new_sid("RM_"), name, now_ms, settings or RoomSettings(), left_at_ms=now_ms
            )
            self._sessions[app, name] = session
            self._speakers[session.sid] = Speakers()
            self.happened.tell(happenings.Kind.ROOM_STARTED, session)
        return session

    def join(self, request: JoinRequest, signalling: Signalling) -> LiveMember:
        """Let a participant in; whoever was there with the same identity leaves.

        Raises:
            TrunklineError: ``INVALID_PARAMS`` or ``FORBIDDEN``; nothing has changed.
        """
        session = self.find(request.app, request.room)
        if session is None:
            if not request.may_create:
                raise TrunklineError(Code.FORBIDDEN, "the session does not exist, and this token may not create it")
            session = self.create(request.app, request.room, request.settings)
        participant = Participant(
            sid=self._new_sid("PA_"),
            identity=request.identity,
            name=request.name,
            permission=request.permission,
            joined_at_ms=self._now_ms(),
            metadata=request.metadata,
            attributes=dict(request.attributes),
            kind=request.kind,
            auto_subscribe=request.auto_subscribe,
        )
        before = self.roster.member(session, request.identity)
        session.join(participant)
        if before is not None:
            self._away.pop(before, None)
            before.leave("duplicate identity")
        connect = partial(self._engine.connect, dual=request.dual, tcp_only=request.tcp_only)
        member = LiveMember(session, participant, self.roster, signalling, connect, self.happened, self._announcements)
        if request.standing is not None:
            member.stand(request.standing)
        self.roster.enter(member)
        if not participant.permission.hidden:
            self._announcements.tell(session, participant, but=member)
        return member

    def resume(self, app: str, room: str, identity: str, sid: str) -> LiveMember | None:
        """A client comes back after its signalling broke; None when it has to join anew.

        It is told what it missed by ``LiveMember.resume``.
        """
        session = self.find(app, room)
        member = self.roster.member(session, identity) if session is not None else None
        if member is None or (sid and member.participant.sid != sid):
            return None
        self._away.pop(member, None)
        return member

    def away(self, member: LiveMember, signalling: Signalling, now_s: float) -> None:
        """A participant's signalling broke; it has a while to come back."""
        if member.away(signalling):
            self._away[member] = now_s + RESUME_S

    def remove(self, app: str, name: str, identities: Sequence[str], reason: str) -> int:
        """Make participants leave: how many were there."""
        session = self.find(app, name)
        removed = 0
        for identity in identities:
            member = self.roster.member(session, identity) if session is not None else None
            if member is not None:
                self._away.pop(member, None)
                member.leave(reason)
                removed += 1
        return removed

    def end(self, app: str, name: str, reason: str = "room deleted") -> bool:
        """End a session: everyone leaves."""
        session = self._sessions.pop((app, name), None)
        if session is None:
            return False
        for member in self.roster.members(session):
            self._away.pop(member, None)
            member.leave(reason)
        self._speakers.pop(session.sid, None)
        self.happened.tell(happenings.Kind.ROOM_FINISHED, session)
        return True

    def describe(self, session: LiveSession, metadata: str) -> None:
        """Change a session's metadata; everyone is told."""
        session.settings.metadata = metadata
        for member in self.roster.members(session):
            if member.signalling is not None:
                member.signalling.on_room(session)

    def sweep(self, now_s: float) -> None:
        """End what is over: participants that did not come back, sessions that stayed empty."""
        for member in [member for member, until_s in self._away.items() if now_s >= until_s]:
            del self._away[member]
            member.leave("connection timeout")
        now_ms = self._now_ms()
        for (app, name), session in list(self._sessions.items()):
            if session.is_over(now_ms):
                self.end(app, name, "room closed")

    def listen(self, passed_s: float = 0.02) -> None:
        """Observe how loud everyone is; to be called every 20 ms, or with the time that passed on a busy machine."""
        for session in self._sessions.values():
            speakers = self._speakers[session.sid]
            for member in self.roster.members(session):
                level = member.levels()
                if level is not None:
                    speakers.observe(member.participant.sid, level, passed_s)

    def announce(self, now_s: float) -> None:
        """Tell of those who wait to be told of; to be called several times a second."""
        self._announcements.flush(self._sessions.values(), now_s)

    def report_speakers(self) -> None:
        """Tell everyone who speaks; to be called every 400 ms."""
        for session in self._sessions.values():
            changed = self._speakers[session.sid].conclude()
            if changed:
                speaking = {speaker.sid: speaker.active for speaker in changed}
                for member in self.roster.members(session):
                    if member.participant.sid in speaking:
                        member.note_speaking(speaking[member.participant.sid])
                    if member.signalling is not None:
                        member.signalling.on_speakers(changed)

    def report_quality(self) -> None:
        """Tell everyone how well they, and those they hear and see, are connected; to be called every 5 s."""
        for session in self._sessions.values():
            scores: dict[str, tuple[str, Quality, float]] = {}
            for member in self.roster.members(session):
                score = member.media.quality().score()
                quality = quality_of(score) if member.signalling is not None else Quality.LOST
                scores[member.participant.sid] = (member.participant.sid, quality, round(score, 2))
            for member in self.roster.members(session):
                found = [scores[p.sid] for p in member.heard_of() if p.sid in scores]
                fresh = [item for item in found if member.told_quality.get(item[0]) is not item[1]]
                if fresh and member.signalling is not None:
                    member.told_quality |= {sid: quality for sid, quality, _ in fresh}
                    member.signalling.on_quality(fresh)

    def close(self) -> None:
        """The server stops: everyone may join again elsewhere."""
        for session in list(self._sessions.values()):
            for member in self.roster.members(session):
                member.leave("server shutdown", rejoin=True)
        self._sessions.clear()
