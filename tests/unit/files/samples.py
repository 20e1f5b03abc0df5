"""Small real media, made by the libraries that people's devices use, and contents that are not what they say."""

from __future__ import annotations

import io
import math
import os
import struct
import zlib
from fractions import Fraction
from typing import Any

import av
from PIL import Image


def picture(kind: str = "PNG", width: int = 640, height: int = 480, mode: str = "RGB", **options: Any) -> bytes:
    """A picture with a gradient, so that it has something to show."""
    image = Image.linear_gradient("L").resize((width, height)).convert(mode)
    data = io.BytesIO()
    image.save(data, kind, **options)
    return data.getvalue()


def sound(container: str = "ogg", codec: str = "libopus", seconds: float = 2.0, rate: int = 48_000) -> bytes:
    """A tone that grows louder."""
    data = io.BytesIO()
    with av.open(data, "w", format=container) as output:
        stream: Any = output.add_stream(codec, rate=rate)
        stream.layout = "mono"
        resampler = av.AudioResampler(format=stream.format.name, layout="mono", rate=rate)
        total = int(seconds * rate)
        for start in range(0, total, 960):
            count = min(960, total - start)
            frame = av.AudioFrame(format="s16", layout="mono", samples=count)
            frame.rate = rate
            frame.pts = start
            frame.time_base = Fraction(1, rate)
            values = [int(30_000 * (start + i) / total * math.sin((start + i) * 0.05)) for i in range(count)]
            packed = struct.pack(f"<{count}h", *values)
            frame.planes[0].update(packed.ljust(frame.planes[0].buffer_size, b"\0"))
            for part in resampler.resample(frame):
                output.mux(stream.encode(part))
        for part in resampler.resample(None):
            output.mux(stream.encode(part))
        output.mux(stream.encode(None))
    return data.getvalue()


def video(
    container: str = "mp4", codec: str = "libx264", width: int = 320, height: int = 180, frames: int = 50
) -> bytes:
    """Moving pictures, 25 a second."""
    data = io.BytesIO()
    with av.open(data, "w", format=container) as output:
        stream: Any = output.add_stream(codec, rate=25)
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        for number in range(frames):
            image = Image.new("RGB", (width, height), (number * 5 % 256, 80, 160))
            output.mux(stream.encode(av.VideoFrame.from_image(image)))
        output.mux(stream.encode(None))
    return data.getvalue()


def bomb(width: int = 50_000, height: int = 50_000) -> bytes:
    """A PNG of a few kilobytes that says it has 2.5 billion pixels, with the data to match its beginning."""

    def chunk(name: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))

    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    rows = zlib.compress(bytes(3_000_000), 9)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


def program() -> bytes:
    """An executable of this machine's system."""
    with open("/bin/true", "rb") as file:
        return file.read()


def noise(size_bytes: int) -> bytes:
    """Bytes that no signature fits."""
    return b"\x01\x02\x99\xfe" + os.urandom(max(0, size_bytes - 4))
