"""Sound and video: duration, waveform, size and a poster. PyAV (FFmpeg) does the work.

The demuxer is forced by the type that was found, and reads through a file object only: no playlist, no other file and
no address can be followed from inside a content.
"""

from __future__ import annotations

from typing import Any, BinaryIO

import av
import av.error
from av.audio.resampler import AudioResampler

from trunkline.base.errors import Code, TrunklineError
from trunkline.media.inspect.jobs import Limits
from trunkline.media.inspect.pictures import add_picture, check_pixels, unreadable
from trunkline.services.files.ports import Inspection

DEMUXERS = {
    "video/mp4": "mov",
    "video/quicktime": "mov",
    "video/3gpp": "mov",
    "video/3gpp2": "mov",
    "video/x-m4v": "mov",
    "audio/mp4": "mov",
    "audio/3gpp": "mov",
    "video/webm": "matroska",
    "audio/webm": "matroska",
    "video/x-matroska": "matroska",
    "audio/x-matroska": "matroska",
    "video/ogg": "ogg",
    "audio/ogg": "ogg",
    "video/x-msvideo": "avi",
    "audio/mpeg": "mp3",
    "audio/wav": "wav",
    "audio/flac": "flac",
    "audio/aac": "aac",
    "audio/amr": "amr",
    "audio/amr-wb": "amr",
}
WAVEFORM_POINTS = 64
WAVEFORM_MAX_S = 600
"""Sound that is longer gets no waveform: it is no voice note, and decoding it all would take long."""
_SAMPLE_RATE = 8000
_PEAK_SAMPLES = 80
_POSTER_AT_S = 1.0


def describe(file: BinaryIO, found: Inspection, limits: Limits) -> None:
    """Add duration, waveform, size and poster; a video type without a picture becomes its audio type.

    Raises:
        TrunklineError: ``FILE_UNREADABLE`` or ``FILE_TYPE_MISMATCH``.
    """
    demuxer = DEMUXERS.get(found.mime)
    if demuxer is None:
        found.kind = "file"
        return
    try:
        with av.open(file, "r", format=demuxer, metadata_errors="replace", timeout=None) as container:
            _describe(container, found, limits)
    except TrunklineError:
        raise
    except (av.error.FFmpegError, ValueError, OverflowError, ZeroDivisionError) as error:
        raise unreadable(f"The content is damaged, or no {found.mime}.") from error


def _describe(container: Any, found: Inspection, limits: Limits) -> None:
    pictures = [s for s in container.streams.video if not s.disposition & av.stream.Disposition.attached_pic]
    if not pictures and not container.streams.audio:
        raise unreadable("The content has neither sound nor pictures.")
    if found.kind == "audio" and pictures:
        raise TrunklineError(
            Code.FILE_TYPE_MISMATCH, f"The content was claimed to be {found.mime}; it is a video.", field="mime"
        )
    if found.kind == "video" and not pictures:
        found.kind, found.mime = "audio", _sound_type(found.mime)
    duration_ms = (container.duration or 0) // 1000
    if duration_ms > limits.max_duration_s * 1000:
        raise unreadable(f"It lasts {duration_ms // 1000} s; at most {limits.max_duration_s} s are accepted.")
    if found.kind == "video":
        _poster(container, pictures[0], found, limits)
        found.duration_ms = max(duration_ms, 0)
    elif duration_ms <= WAVEFORM_MAX_S * 1000:
        found.waveform, found.duration_ms = _waveform(container)
    else:
        found.duration_ms = duration_ms


def _sound_type(mime: str) -> str:
    return {"video/webm": "audio/webm", "video/x-matroska": "audio/x-matroska", "video/ogg": "audio/ogg"}.get(
        mime, "audio/mp4" if DEMUXERS[mime] == "mov" else mime
    )


def _poster(container: Any, stream: Any, found: Inspection, limits: Limits) -> None:
    context = stream.codec_context
    check_pixels(context.width, context.height, limits)
    context.thread_count = 1
    if container.duration and container.duration > 2 * _POSTER_AT_S * av.time_base:
        container.seek(int(_POSTER_AT_S * av.time_base), backward=True, any_frame=False)
    frame = next(iter(container.decode(stream)), None)
    if frame is None:
        raise unreadable("The video has no picture.")
    check_pixels(frame.width, frame.height, limits)
    turned = abs(getattr(frame, "rotation", 0)) % 180 == 90
    found.width, found.height = (frame.height, frame.width) if turned else (frame.width, frame.height)
    scale = min(1.0, limits.thumbnail_px / max(frame.width, frame.height))
    small = frame.reformat(
        width=max(1, round(frame.width * scale)), height=max(1, round(frame.height * scale)), format="rgb24"
    )
    picture = small.to_image()
    if getattr(frame, "rotation", 0):
        picture = picture.rotate(frame.rotation, expand=True)
    add_picture(picture, found, limits, "poster")


def _waveform(container: Any) -> tuple[bytes, int]:
    """Peaks of the sound, 64 points of 0-255 relative to the loudest; and the true duration."""
    stream = container.streams.audio[0]
    stream.codec_context.thread_count = 1
    resampler = AudioResampler(format="s16", layout="mono", rate=_SAMPLE_RATE)
    peaks: list[int] = []
    samples = 0
    for frame in _resampled(container, stream, resampler):
        values = memoryview(frame.planes[0]).cast("B")[: frame.samples * 2].cast("h")
        samples += frame.samples
        for start in range(0, frame.samples, _PEAK_SAMPLES):
            piece = values[start : start + _PEAK_SAMPLES]
            peaks.append(max(max(piece), -min(piece)))
        if samples > 2 * WAVEFORM_MAX_S * _SAMPLE_RATE:
            raise unreadable("It lasts far longer than it says.")
    if not samples:
        raise unreadable("There is no sound in it.")
    points = min(WAVEFORM_POINTS, len(peaks))
    folded = [max(peaks[i * len(peaks) // points : (i + 1) * len(peaks) // points]) for i in range(points)]
    loudest = max(*folded, 1)
    return bytes(value * 255 // loudest for value in folded), samples * 1000 // _SAMPLE_RATE


def _resampled(container: Any, stream: Any, resampler: AudioResampler) -> Any:
    for frame in container.decode(stream):
        yield from resampler.resample(frame)
    yield from resampler.resample(None)
