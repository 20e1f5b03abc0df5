"""The demo's call: two people in a group's live session, on the official LiveKit client library.

Each publishes a tone and a moving picture, and counts what it gets of the other. Nothing here knows how the server
forwards media: the library joins with the URL and the token that ``live.join`` gave, as any app would.
"""

from __future__ import annotations

import asyncio
import logging
import math
import time
from array import array
from collections.abc import Coroutine
from dataclasses import dataclass
from typing import Any

from livekit import rtc

RATE_HZ = 48_000
SAMPLES = RATE_HZ // 100
"""Of one frame of 10 ms."""
WIDTH, HEIGHT = 640, 360
FRAMES_PER_SECOND = 20
AUDIBLE = 500.0
"""Root mean square of 16-bit samples above which something is heard; a silent track stays near 0."""


@dataclass(slots=True)
class Reception:
    """What one person got of the other.

    Attributes:
        audio_frames: decoded, of 10 ms each.
        loudness: root mean square of the samples of the loudest frame.
        video_frames: decoded pictures.
        size: of the latest picture, in pixels.
        first_s: from joining to the first audible frame and the first picture, whichever came later.
    """

    audio_frames: int = 0
    loudness: float = 0.0
    video_frames: int = 0
    size: tuple[int, int] = (0, 0)
    first_s: float = 0.0

    @property
    def complete(self) -> bool:
        """Whether the other one was both heard and seen."""
        return self.loudness > AUDIBLE and self.video_frames > 0


class Caller:
    """One person in a call.

    Args:
        tone_hz: what it says.
    """

    def __init__(self, tone_hz: int) -> None:
        self.got = Reception()
        self._tone_hz = tone_hz
        self._room = rtc.Room()
        self._tasks: list[asyncio.Task[None]] = []
        self._joined_s = 0.0
        self._room.on("track_subscribed", self._on_track)

    async def join(self, url: str, token: str) -> None:
        """Enter, and publish a microphone and a camera."""
        self._joined_s = time.monotonic()
        await self._room.connect(url, token)
        me = self._room.local_participant
        sound = rtc.AudioSource(RATE_HZ, 1)
        microphone = rtc.LocalAudioTrack.create_audio_track("microphone", sound)
        await me.publish_track(microphone, rtc.TrackPublishOptions(source=rtc.TrackSource.SOURCE_MICROPHONE))
        self._start(self._say(sound))
        pictures = rtc.VideoSource(WIDTH, HEIGHT)
        camera = rtc.LocalVideoTrack.create_video_track("camera", pictures)
        await me.publish_track(camera, rtc.TrackPublishOptions(source=rtc.TrackSource.SOURCE_CAMERA))
        self._start(self._show(pictures))

    async def leave(self) -> None:
        """Stop everything and disconnect."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._room.disconnect()

    def _start(self, work: Coroutine[Any, Any, None]) -> None:
        self._tasks.append(asyncio.create_task(work))

    async def _say(self, sound: rtc.AudioSource) -> None:
        position = 0
        while True:
            turn = 2 * math.pi * self._tone_hz / RATE_HZ
            wave = array("h", (int(8000 * math.sin(turn * (position + n))) for n in range(SAMPLES)))
            position += SAMPLES
            # The source takes frames at the pace of its clock, which paces this loop.
            await sound.capture_frame(rtc.AudioFrame(wave.tobytes(), RATE_HZ, 1, SAMPLES))

    async def _show(self, pictures: rtc.VideoSource) -> None:
        light, dark = bytes((230, 230, 230, 255)) * WIDTH, bytes((40, 60, 110, 255)) * WIDTH
        number = 0
        while True:
            split = number * 4 % HEIGHT
            pixels = light * split + dark * (HEIGHT - split)
            pictures.capture_frame(rtc.VideoFrame(WIDTH, HEIGHT, rtc.VideoBufferType.RGBA, pixels))
            number += 1
            await asyncio.sleep(1 / FRAMES_PER_SECOND)

    def _on_track(self, track: rtc.Track, *_: object) -> None:
        self._start(self._listen(track) if track.kind == rtc.TrackKind.KIND_AUDIO else self._watch(track))

    async def _listen(self, track: rtc.Track) -> None:
        async for event in rtc.AudioStream(track):
            samples = array("h", bytes(event.frame.data))
            self.got.audio_frames += 1
            loudness = math.sqrt(sum(sample * sample for sample in samples) / max(len(samples), 1))
            self.got.loudness = max(self.got.loudness, loudness)
            self._note()

    async def _watch(self, track: rtc.Track) -> None:
        async for event in rtc.VideoStream(track):
            self.got.video_frames += 1
            self.got.size = (event.frame.width, event.frame.height)
            self._note()

    def _note(self) -> None:
        if self.got.complete and not self.got.first_s:
            self.got.first_s = time.monotonic() - self._joined_s


async def hold_call(places: list[tuple[str, str]], seconds: float, timeout_s: float = 20) -> list[Reception]:
    """Two people join, and talk for a while.

    Args:
        places: for each, the URL and the token that ``live.join`` gave.
        seconds: how long they talk once each hears and sees the other.
        timeout_s: how long to wait for that.

    Returns:
        what each got of the other; incomplete where nothing came in time.
    """
    # What the library says while it disconnects would stand in the middle of the demo's own words.
    logging.getLogger("livekit").setLevel(logging.CRITICAL)
    callers = [Caller(330 + 110 * number) for number in range(len(places))]
    try:
        async with asyncio.timeout(timeout_s):
            await asyncio.gather(*(caller.join(*place) for caller, place in zip(callers, places, strict=True)))
            while not all(caller.got.complete for caller in callers):  # noqa: ASYNC110 - counts that no event tells
                await asyncio.sleep(0.02)
        await asyncio.sleep(seconds)
    except TimeoutError:
        pass
    finally:
        await asyncio.gather(*(caller.leave() for caller in callers), return_exceptions=True)
    return [caller.got for caller in callers]
