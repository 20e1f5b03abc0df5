"""The media worker, as a real process: what it finds, and that a crafted content harms nobody."""

from __future__ import annotations

import asyncio
import hashlib
import os
import signal
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from PIL import Image

from tests.unit.files import samples
from trunkline.base.errors import Code, TrunklineError
from trunkline.media.inspect.jobs import Job, Limits
from trunkline.media.inspect.process import ProcessInspector
from trunkline.media.inspect.worker import Child, _wait_s
from trunkline.services.files.ports import Inspection

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def inspector() -> AsyncIterator[ProcessInspector]:
    """One for all: a worker takes half a second to start."""
    running = ProcessInspector(Limits())
    yield running
    await running.close()


@pytest_asyncio.fixture(loop_scope="module")
async def own_inspector() -> AsyncIterator[ProcessInspector]:
    """Its worker has not been started."""
    running = ProcessInspector(Limits())
    yield running
    await running.close()


async def look(inspector: ProcessInspector, folder: Path, data: bytes, claimed: str = "") -> Inspection:
    path = folder / "content"
    path.write_bytes(data)
    found = await inspector.inspect(path, claimed)
    assert found.sha256 == hashlib.sha256(data).digest()
    return found


async def refusal(inspector: ProcessInspector, folder: Path, data: bytes, claimed: str = "") -> TrunklineError:
    with pytest.raises(TrunklineError) as caught:
        await look(inspector, folder, data, claimed)
    return caught.value


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "GIF", "WEBP", "BMP", "AVIF"])
async def test_pictures_get_a_size_a_thumbnail_and_a_blurhash(
    inspector: ProcessInspector, tmp_path: Path, kind: str
) -> None:
    found = await look(inspector, tmp_path, samples.picture(kind))
    assert (found.kind, found.mime) == ("image", f"image/{kind.lower()}")
    assert (found.width, found.height) == (640, 480)
    [small] = found.variants
    assert (small.name, small.width, small.height) == ("thumbnail", 320, 240)
    assert len(small.data) < 40_000
    assert 6 <= len(found.blurhash) <= 40


async def test_a_picture_taken_sideways_is_shown_upright(inspector: ProcessInspector, tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    found = await look(inspector, tmp_path, samples.picture("JPEG", exif=exif), "image/jpeg")
    assert (found.width, found.height) == (480, 640)
    assert (found.variants[0].width, found.variants[0].height) == (240, 320)


async def test_transparency_survives(inspector: ProcessInspector, tmp_path: Path) -> None:
    found = await look(inspector, tmp_path, samples.picture("PNG", mode="RGBA"))
    assert found.variants[0].mime == "image/webp"


@pytest.mark.parametrize(
    ("container", "codec", "claimed"),
    [
        ("ogg", "libopus", "audio/ogg"),
        ("mp3", "libmp3lame", "audio/mpeg"),
        ("wav", "pcm_s16le", "audio/wav"),
        ("ipod", "aac", "audio/mp4"),
        ("webm", "libopus", "audio/webm"),
        ("flac", "flac", "audio/flac"),
        ("adts", "aac", "audio/aac"),
    ],
)
async def test_voice_gets_a_duration_and_a_waveform(
    inspector: ProcessInspector, tmp_path: Path, container: str, codec: str, claimed: str
) -> None:
    found = await look(inspector, tmp_path, samples.sound(container, codec), claimed)
    assert (found.kind, found.mime) == ("audio", claimed)
    assert abs(found.duration_ms - 2000) < 150
    assert len(found.waveform) == 64
    # The tone grows: so does its picture.
    quarters = [sum(found.waveform[i : i + 16]) for i in range(0, 64, 16)]
    assert quarters == sorted(quarters)
    assert max(found.waveform) == 255


@pytest.mark.parametrize(
    ("container", "codec", "mime"),
    [("mp4", "libx264", "video/mp4"), ("webm", "libvpx", "video/webm"), ("mov", "libx264", "video/quicktime")],
)
async def test_video_gets_a_size_a_duration_and_a_poster(
    inspector: ProcessInspector, tmp_path: Path, container: str, codec: str, mime: str
) -> None:
    found = await look(inspector, tmp_path, samples.video(container, codec, width=640, height=360), mime)
    assert (found.kind, found.mime, found.width, found.height) == ("video", mime, 640, 360)
    assert abs(found.duration_ms - 2000) < 100
    [poster] = found.variants
    assert (poster.name, poster.width, poster.height) == ("poster", 320, 180)


async def test_sound_in_a_video_container_is_sound(inspector: ProcessInspector, tmp_path: Path) -> None:
    found = await look(inspector, tmp_path, samples.sound("webm", "libopus"))
    assert (found.kind, found.mime) == ("audio", "audio/webm")


@pytest.mark.parametrize(
    ("data", "claimed", "mime"),
    [
        (b"hello, world\n", "text/plain", "text/plain"),
        ("多谢\n".encode(), "", "text/plain"),
        (b'{"a": 1}', "application/json", "application/json"),
        (b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n1 0 obj\n<<>>\nendobj\n%%EOF", "application/pdf", "application/pdf"),
        (samples.noise(1000), "", "application/octet-stream"),
        (samples.noise(1000), "application/x-own-format", "application/x-own-format"),
        (b"", "", "application/octet-stream"),
    ],
)
async def test_other_contents_are_files(
    inspector: ProcessInspector, tmp_path: Path, data: bytes, claimed: str, mime: str
) -> None:
    found = await look(inspector, tmp_path, data, claimed)
    assert (found.kind, found.mime) == ("file", mime)


@pytest.mark.parametrize(
    ("data", "claimed", "code"),
    [
        (samples.program(), "image/png", Code.FILE_TYPE_REFUSED),
        (samples.program(), "", Code.FILE_TYPE_REFUSED),
        (b"MZ\x90\x00" + bytes(200), "application/pdf", Code.FILE_TYPE_REFUSED),
        (b"#!/bin/sh\necho hello\n", "text/plain", Code.FILE_TYPE_REFUSED),
        (b"\xef\xbb\xbf #!/bin/sh\n", "text/plain", Code.FILE_TYPE_REFUSED),
        (samples.picture("JPEG"), "image/png", Code.FILE_TYPE_MISMATCH),
        (samples.picture("PNG"), "application/pdf", Code.FILE_TYPE_MISMATCH),
        (samples.video(), "audio/mp4", Code.FILE_TYPE_MISMATCH),
        (b"<html><script>alert(1)</script></html>", "image/png", Code.FILE_TYPE_MISMATCH),
        (samples.noise(500), "text/plain", Code.FILE_TYPE_MISMATCH),
        (samples.noise(500), "image/jpeg", Code.FILE_TYPE_MISMATCH),
        (samples.noise(500), "application/pdf", Code.FILE_TYPE_MISMATCH),
        (samples.noise(500), "application/zip", Code.FILE_TYPE_MISMATCH),
        (samples.picture("PNG")[:900], "image/png", Code.FILE_UNREADABLE),
        (samples.video()[:600], "video/mp4", Code.FILE_UNREADABLE),
        (samples.picture("PNG")[:8] + bytes(300), "image/png", Code.FILE_UNREADABLE),
        (samples.bomb(), "image/png", Code.FILE_UNREADABLE),
    ],
)
async def test_what_is_not_what_it_says_is_refused(
    inspector: ProcessInspector, tmp_path: Path, data: bytes, claimed: str, code: Code
) -> None:
    error = await refusal(inspector, tmp_path, data, claimed)
    assert error.code is code, error.detail
    assert error.detail


async def test_a_bomb_within_the_pixel_limit_meets_the_memory_limit(tmp_path: Path) -> None:
    """The pixel limit is the first wall; this takes it away, so that the second one has to hold."""
    inspector = ProcessInspector(Limits(max_pixels=10**10, memory_bytes=200_000_000))
    try:
        error = await refusal(inspector, tmp_path, samples.bomb(), "image/png")
        assert error.code is Code.FILE_UNREADABLE
        assert (await look(inspector, tmp_path, samples.picture())).kind == "image"
    finally:
        await inspector.close()


async def test_work_that_takes_too_long_is_ended(tmp_path: Path) -> None:
    inspector = ProcessInspector(Limits(deadline_s=0.0))
    try:
        error = await refusal(inspector, tmp_path, samples.video(width=1280, height=720, frames=25))
        assert error.code is Code.FILE_UNREADABLE
        assert "too long" in error.detail
    finally:
        await inspector.close()


@pytest.mark.parametrize("up_s", [10.0, 3_601.0, 10_000_000.0])
async def test_a_worker_without_work_waits_however_long_the_machine_is_up(up_s: float, tmp_path: Path) -> None:
    """It waited until the machine had been up for an hour, and from then on looked again and again: a whole core."""
    job = Job(id=1, path=str(tmp_path), claimed="", limits=Limits())
    assert _wait_s([], up_s) is None
    assert _wait_s([Child(1, job, up_s + 2.0, bytearray()), Child(2, job, up_s + 5.0, bytearray())], up_s) == 2.0
    assert _wait_s([Child(1, job, up_s - 2.0, bytearray())], up_s) == 0.0


async def test_many_at_once_are_answered_each_with_its_own(inspector: ProcessInspector, tmp_path: Path) -> None:
    async def one(number: int) -> None:
        folder = tmp_path / str(number)
        folder.mkdir()
        found = await look(inspector, folder, samples.picture(width=100 + number, height=50))
        assert found.width == 100 + number

    await asyncio.gather(*(one(number) for number in range(12)))


async def test_a_killed_worker_fails_its_jobs_and_starts_again(own_inspector: ProcessInspector, tmp_path: Path) -> None:
    await look(own_inspector, tmp_path, b"hello")
    process = own_inspector._process
    assert process is not None
    os.kill(process.pid, signal.SIGSTOP)
    job = asyncio.create_task(look(own_inspector, tmp_path, b"hello"))
    while not own_inspector._jobs:
        await asyncio.sleep(0)
    os.kill(process.pid, signal.SIGKILL)
    with pytest.raises(TrunklineError) as caught:
        await job
    assert caught.value.code is Code.BUSY
    assert (await look(own_inspector, tmp_path, b"hello again")).mime == "text/plain"


async def test_the_worker_gets_no_secret(
    own_inspector: ProcessInspector, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TRUNKLINE_MASTER_KEY", "m" * 40)
    await look(own_inspector, tmp_path, b"hello")
    assert own_inspector._process is not None
    assert b"MASTER" not in Path(f"/proc/{own_inspector._process.pid}/environ").read_bytes()
