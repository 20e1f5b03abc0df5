"""A participant on the official client library: joins, speaks a tone, shows a picture, hears and sees others."""

from __future__ import annotations

import asyncio
import contextlib
import math
from array import array
from collections.abc import Callable
from typing import Any

from livekit import api, rtc

from tests.integration.rest.running import App

RATE_HZ = 48_000
FRAME = RATE_HZ // 5
HEARD_MS = 50
TIMEOUT_S = 30.0


def live_token(app: App, identity: str, room: str, **grants: Any) -> str:
    """A token as the official server library mints it."""
    granted = api.VideoGrants(room_join=True, room=room, **grants)
    return (
        api.AccessToken(app.key, app.secret).with_identity(identity).with_name(identity).with_grants(granted).to_jwt()
    )


async def until(condition: Callable[[], bool], what: str, timeout_s: float = TIMEOUT_S) -> None:
    """Wait for a condition."""
    deadline = asyncio.get_running_loop().time() + timeout_s
    while not condition():
        assert asyncio.get_running_loop().time() < deadline, f"not in time: {what}"
        await asyncio.sleep(0.02)


class Heard:
    """What arrived of one audio track."""

    def __init__(self) -> None:
        self.frames = 0
        """Of 10 ms."""
        self.loudness = 0.0
        """Root mean square of the latest 50 ms."""
        self.loudest = 0.0
        self.heard_s = 0.0

    def is_silent(self) -> bool:
        """Whether what arrives is silence, or nothing has arrived for half a second."""
        return self.loudness < 10 or asyncio.get_running_loop().time() - self.heard_s > 0.5


class Seen:
    """What arrived of one video track."""

    def __init__(self) -> None:
        self.frames = 0
        self.size = (0, 0)
        self.light = 0
        """Luma of the latest frame's centre."""


class Person:
    """One participant."""

    def __init__(self, identity: str) -> None:
        self.identity = identity
        self.room = rtc.Room()
        self.heard: dict[str, Heard] = {}
        self.seen: dict[str, Seen] = {}
        self.messages: list[tuple[str, bytes, str | None]] = []
        self.speakers: list[str] = []
        self.events: list[str] = []
        self._tasks: list[asyncio.Task[None]] = []
        self.room.on("track_subscribed", self._on_track)
        self.room.on("data_received", self._on_data)
        self.room.on("active_speakers_changed", self._on_speakers)
        for event in ("track_muted", "track_unmuted", "disconnected", "reconnecting", "reconnected"):
            self.room.on(event, lambda *_, name=event: self.events.append(name))

    async def join(self, app: App, room: str, token: str | None = None, **options: Any) -> Person:
        """Connect, as the library does it."""
        url = app.server.url.replace("http", "ws", 1)
        return await self.connect(url, token or live_token(app, self.identity, room), **options)

    async def connect(self, url: str, token: str, **options: Any) -> Person:
        """Connect where a token opens."""
        await asyncio.wait_for(self.room.connect(url, token, rtc.RoomOptions(**options)), TIMEOUT_S)
        return self

    async def leave(self) -> None:
        """Stop everything and disconnect."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        with contextlib.suppress(Exception):
            await asyncio.wait_for(self.room.disconnect(), TIMEOUT_S)

    async def speak(
        self, loudness: int = 8000, *, speaks_s: float = 1.0, listens_s: float = 0.0
    ) -> rtc.LocalTrackPublication:
        """Publish a microphone with a tone of 440 Hz; ``listens_s`` without any after each ``speaks_s``."""
        source = rtc.AudioSource(RATE_HZ, 1)
        track = rtc.LocalAudioTrack.create_audio_track("mic", source)
        options = rtc.TrackPublishOptions(source=rtc.TrackSource.SOURCE_MICROPHONE)
        publication = await asyncio.wait_for(self.room.local_participant.publish_track(track, options), TIMEOUT_S)

        # Whole periods, computed once and handed over at once: every call costs, and many people may speak.
        wave = array("h", (int(loudness * math.sin(2 * math.pi * 440 * n / RATE_HZ)) for n in range(FRAME)))
        frame = rtc.AudioFrame(wave.tobytes(), RATE_HZ, 1, FRAME)

        async def tone() -> None:
            while True:
                for _ in range(round(speaks_s * RATE_HZ / FRAME)):
                    await source.capture_frame(frame)
                if listens_s:
                    await source.wait_for_playout()
                    await asyncio.sleep(listens_s)

        self._tasks.append(asyncio.create_task(tone()))
        return publication

    async def show(
        self, width: int = 320, height: int = 180, *, codec: str = "VP8", simulcast: bool = False, fps: int = 20
    ) -> rtc.LocalTrackPublication:
        """Publish a camera whose picture moves."""
        source = rtc.VideoSource(width, height)
        track = rtc.LocalVideoTrack.create_video_track("cam", source)
        options = rtc.TrackPublishOptions(
            source=rtc.TrackSource.SOURCE_CAMERA, simulcast=simulcast, video_codec=getattr(rtc.VideoCodec, codec)
        )
        publication = await asyncio.wait_for(self.room.local_participant.publish_track(track, options), TIMEOUT_S)

        async def picture() -> None:
            number = 0
            row = bytes((200, 200, 200, 255)) * width
            while True:
                dark = bytes((number % 100, 60, 60, 255)) * width
                split = number * 3 % height
                pixels = row * split + dark * (height - split)
                source.capture_frame(rtc.VideoFrame(width, height, rtc.VideoBufferType.RGBA, pixels))
                number += 1
                await asyncio.sleep(1 / fps)

        self._tasks.append(asyncio.create_task(picture()))
        return publication

    def hears(self, identity: str) -> Heard:
        """What it hears of somebody."""
        return self.heard.setdefault(identity, Heard())

    def sees(self, identity: str) -> Seen:
        """What it sees of somebody."""
        return self.seen.setdefault(identity, Seen())

    def publication(self, identity: str, kind: int) -> rtc.RemoteTrackPublication:
        """Somebody's track as it is announced here."""
        found = [p for p in self.room.remote_participants[identity].track_publications.values() if p.kind == kind]
        return found[0]

    def _on_track(self, track: rtc.Track, _publication: Any, participant: rtc.RemoteParticipant) -> None:
        if track.kind == rtc.TrackKind.KIND_AUDIO:
            self._tasks.append(asyncio.create_task(self._listen(track, self.hears(participant.identity))))
        else:
            self._tasks.append(asyncio.create_task(self._watch(track, self.sees(participant.identity))))

    async def _listen(self, track: rtc.Track, heard: Heard) -> None:
        # The library asks everything that waits in the process about every frame: few large ones.
        async for event in rtc.AudioStream(track, frame_size_ms=HEARD_MS):
            samples = array("h", bytes(event.frame.data))
            heard.frames += HEARD_MS // 10
            heard.heard_s = asyncio.get_running_loop().time()
            heard.loudness = math.sqrt(sum(sample * sample for sample in samples[::8]) / max(len(samples) // 8, 1))
            heard.loudest = max(heard.loudest, heard.loudness)

    async def _watch(self, track: rtc.Track, seen: Seen) -> None:
        async for event in rtc.VideoStream(track):
            seen.frames += 1
            seen.size = (event.frame.width, event.frame.height)

    def _on_data(self, packet: rtc.DataPacket) -> None:
        sender = packet.participant.identity if packet.participant is not None else ""
        self.messages.append((sender, bytes(packet.data), packet.topic))

    def _on_speakers(self, speakers: list[rtc.Participant]) -> None:
        self.speakers = [speaker.identity for speaker in speakers]
