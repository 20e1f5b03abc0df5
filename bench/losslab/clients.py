"""Participants on the ``livekit`` wheel (libwebrtc): they speak and show what the lab made, and keep what they get."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import time
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from livekit import rtc
from numpy.typing import NDArray
from scipy.signal import resample_poly

from bench.losslab import pictures
from bench.losslab.speech import RATE_HZ, Samples

WIRE_RATE_HZ = 48_000
FRAME = WIRE_RATE_HZ // 10
TIMEOUT_S = 30.0


@dataclass(slots=True)
class Watched:
    """What was seen of one video track.

    Attributes:
        frames: when each frame came, its number, its width.
        similarities: SSIM of a sample of them.
    """

    frames: list[tuple[float, int, int]] = field(default_factory=list)
    similarities: list[float] = field(default_factory=list)


class Client:
    """One participant."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.room = rtc.Room()
        self.heard: list[bytes] = []
        self.watched = Watched()
        self.recording = False
        self.size = (0, 0)
        self.events: list[str] = []
        self._tracks: list[rtc.Track] = []
        self._tasks: list[asyncio.Task[None]] = []
        self.room.on("track_subscribed", self._on_track)
        for event in ("disconnected", "reconnecting", "reconnected"):
            self.room.on(event, lambda *_, name=event: self.events.append(name))

    async def join(self, url: str, token: str) -> Client:
        """Connect."""
        await asyncio.wait_for(self.room.connect(url, token, rtc.RoomOptions()), TIMEOUT_S)
        return self

    async def leave(self) -> None:
        """Stop everything."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        with contextlib.suppress(Exception):
            await asyncio.wait_for(self.room.disconnect(), TIMEOUT_S)

    async def microphone(self) -> rtc.AudioSource:
        """Publish a microphone; what it hears is given with ``say``."""
        source = rtc.AudioSource(WIRE_RATE_HZ, 1, 500)
        track = rtc.LocalAudioTrack.create_audio_track("mic", source)
        options = rtc.TrackPublishOptions(source=rtc.TrackSource.SOURCE_MICROPHONE)
        await asyncio.wait_for(self.room.local_participant.publish_track(track, options), TIMEOUT_S)
        return source

    @staticmethod
    async def say(source: rtc.AudioSource, samples: Samples) -> None:
        """Speak, in real time."""
        wire = await asyncio.to_thread(to_wire, samples)
        for start in range(0, len(wire) - FRAME, FRAME):
            await source.capture_frame(rtc.AudioFrame(wire[start : start + FRAME].tobytes(), WIRE_RATE_HZ, 1, FRAME))

    async def camera(self, width: int, height: int, fps: int) -> None:
        """Publish a camera with the lab's picture, in the layers that the library makes by default."""
        source = rtc.VideoSource(width, height)
        track = rtc.LocalVideoTrack.create_video_track("cam", source)
        options = rtc.TrackPublishOptions(
            source=rtc.TrackSource.SOURCE_CAMERA, simulcast=True, video_codec=rtc.VideoCodec.VP8
        )
        await asyncio.wait_for(self.room.local_participant.publish_track(track, options), TIMEOUT_S)
        self._tasks.append(asyncio.create_task(_film(source, width, height, fps)))

    def _on_track(self, track: rtc.Track, _publication: Any, _participant: rtc.RemoteParticipant) -> None:
        self._tracks.append(track)
        listening = track.kind == rtc.TrackKind.KIND_AUDIO
        self._tasks.append(asyncio.create_task(self._listen(track) if listening else self._watch(track)))

    async def _listen(self, track: rtc.Track) -> None:
        async for event in rtc.AudioStream(track, sample_rate=RATE_HZ, frame_size_ms=100):
            if self.recording:
                self.heard.append(bytes(event.frame.data))

    async def _watch(self, track: rtc.Track) -> None:
        stream = rtc.VideoStream(track, format=rtc.VideoBufferType.I420, capacity=4)
        async for event in stream:
            if not self.recording:
                continue
            frame = event.frame
            got = np.frombuffer(frame.data, np.uint8, frame.width * frame.height).reshape(frame.height, frame.width)
            number = pictures.number_of(got)
            self.watched.frames.append((time.monotonic(), number, frame.width))
            if len(self.watched.frames) % 10 == 0 and self.size[0]:
                self.watched.similarities.append(pictures.similarity(got, number, *self.size))

    def recorded(self) -> Samples:
        """What was heard while ``recording``."""
        return np.frombuffer(b"".join(self.heard), np.int16).astype(np.float64) / 32_768

    async def statistics(self, kind: str) -> dict[str, float]:
        """The library's own counts (``inbound-rtp``) of the received track of a kind."""
        wanted = rtc.TrackKind.KIND_AUDIO if kind == "audio" else rtc.TrackKind.KIND_VIDEO
        found: dict[str, float] = {}
        for track in self._tracks:
            if track.kind != wanted:
                continue
            for entry in await track.get_stats():
                if entry.WhichOneof("stats") == "inbound_rtp":
                    for part in (entry.inbound_rtp.received, entry.inbound_rtp.inbound):
                        found |= {f.name: v for f, v in part.ListFields() if isinstance(v, int | float)}
        return found


@functools.lru_cache(1)
def _wire(data: bytes) -> NDArray[np.int16]:
    samples = resample_poly(np.frombuffer(data), WIRE_RATE_HZ // RATE_HZ, 1)
    return np.asarray((np.clip(samples, -1, 1) * 32_000).astype(np.int16))


def to_wire(samples: Samples) -> NDArray[np.int16]:
    """Speech as clients are given it."""
    return _wire(samples.tobytes())


async def _film(source: rtc.VideoSource, width: int, height: int, fps: int) -> None:
    """Show the picture, in real time."""
    loop = asyncio.get_running_loop()
    chroma = bytes((128,)) * (width * height // 2)
    number, due_s = 0, loop.time()
    while True:
        data = pictures.luma(number % pictures.PERIOD, width, height).tobytes() + chroma
        source.capture_frame(rtc.VideoFrame(width, height, rtc.VideoBufferType.I420, data))
        number += 1
        due_s = max(due_s + 1 / fps, loop.time() - 0.1)
        await asyncio.sleep(max(due_s - loop.time(), 0))
