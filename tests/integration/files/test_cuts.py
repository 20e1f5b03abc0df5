"""Uploads whose connection is cut anywhere, or whose server is killed: the offset is on disk, and the end is whole."""

from __future__ import annotations

import hashlib
import random
import socket
import struct
import time
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest

from tests.integration.files.uploading import create, offset_of, ok, put
from tests.integration.rest.running import App, Running, serving
from tests.unit.files.samples import noise

CUTS = 100


class Sending:
    """A PATCH on a bare socket, of which any part can be sent."""

    def __init__(self, app: App, where: str, offset: int, data: bytes) -> None:
        parts = urlsplit(app.server.url)
        self.head = (
            f"PATCH {where} HTTP/1.1\r\nHost: {parts.netloc}\r\nAuthorization: Bearer {app.token('user/ann')}\r\n"
            f"Tus-Resumable: 1.0.0\r\nContent-Type: application/offset+octet-stream\r\nUpload-Offset: {offset}\r\n"
            f"Content-Length: {len(data) - offset}\r\n\r\n"
        ).encode()
        self.body = memoryview(data)[offset:]
        self.socket = socket.create_connection((parts.hostname or "", parts.port or 0), timeout=15)

    def send(self, count: int) -> None:
        """The head and ``count`` bytes of the body; a negative count leaves off as much of the head."""
        self.socket.sendall(self.head[:count] if count < 0 else self.head)
        self.socket.sendall(self.body[: max(0, count)])

    def cut(self, *, reset: bool = False) -> None:
        """End the connection; with ``reset`` what the system still holds is thrown away."""
        if reset:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.socket.close()


def size_of(part: Path, whole: int) -> int:
    """How much of an upload is on disk; all of it once it became a file."""
    try:
        return part.stat().st_size
    except FileNotFoundError:
        return whole


def staged(place: Path, where: str) -> Path:
    return place / "data/files/uploads" / (where.rpartition("/")[2] + ".part")


def test_a_hundred_cuts_at_random_bytes(app: App, ann: httpx.Client, place: Path) -> None:
    chance = random.Random(20_261)
    data = noise(4_000_003)
    where = create(ann, len(data), filename="cut.dat", sha256=hashlib.sha256(data).hexdigest()).headers["Location"]
    offset = moved = sent = 0
    for left in range(CUTS, 0, -1):
        sending = Sending(app, where, offset, data)
        most = min(2 * (len(data) - offset) // left, len(data) - offset - 1)
        # Anywhere: within the head too, and right behind it.
        count = chance.randint(-len(sending.head) + 1, -1) if chance.random() < 0.1 else chance.randint(0, most)
        sending.send(count)
        sending.cut(reset=chance.random() < 0.3)
        arrived = offset_of(ann, where)
        # What an earlier connection left in the system's buffers may count only now.
        sent = max(sent, offset + count)
        assert offset <= arrived <= sent
        with staged(place, where).open("rb") as file:
            file.seek(offset)
            assert file.read(arrived - offset) == data[offset:arrived]
        moved += arrived > offset
        offset = arrived
    assert moved > CUTS // 2, "most of the cut chunks counted for something"
    part = staged(place, where)
    while size_of(part, len(data)) < len(data):
        sending = Sending(app, where, offset, data)
        sending.send(len(data) - offset)
        sending.cut()  # the last answer is lost as well
        deadline_s = time.monotonic() + 1
        while size_of(part, len(data)) < len(data) and time.monotonic() < deadline_s:
            time.sleep(0.005)
        if size_of(part, len(data)) < len(data):
            offset = offset_of(ann, where)  # what was sent before had moved the offset meanwhile
    assert offset_of(ann, where) == len(data), "whoever asks while the file is being made is told its end"
    whole = ann.get(where.replace("uploads", "files") + "/content").content
    assert hashlib.sha256(whole).digest() == hashlib.sha256(data).digest()
    assert not staged(place, where).exists()


@pytest.mark.timeout(120)
def test_a_server_killed_in_the_middle_of_an_upload(tmp_path: Path) -> None:
    options = {"FILES__MIN_FREE_BYTES": "0", "LIVE__ENABLED": "false"}
    mib = 1 << 20
    data = noise(40 * mib + 7)
    where, known = "", 0
    app: App | None = None
    # Each row: up to where it is sent before the kill, and what has to be durable by then: a mark every 16 MiB.
    for sent, durable in ((24 * mib + 5, 16 * mib), (39 * mib, 32 * mib), (len(data), 32 * mib)):
        with serving(tmp_path, **options) as server:
            app = server.create_app() if app is None else app_of(server, app)
            with app.as_client("user/ann") as ann:
                if not where:
                    where = create(ann, len(data)).headers["Location"]
                offset = offset_of(ann, where)
                assert offset >= known
                assert staged(tmp_path, where).read_bytes()[:offset] == data[:offset]
            sending = Sending(app, where, offset, data)
            sending.send(sent - offset)
            mark = staged(tmp_path, where).with_suffix(".mark")
            while mark.exists() and int.from_bytes(mark.read_bytes(), "big") < durable:
                assert server.process.poll() is None
            server.process.kill()
            server.process.wait()
            sending.cut()
            known = durable
    assert app is not None
    with serving(tmp_path, **options) as server:
        with app_of(server, app).as_client("user/ann") as ann:
            offset = offset_of(ann, where)
            assert offset >= known
            if offset < len(data):
                ok(put(ann, where, offset, data[offset:]), 204)
            whole = ann.get(where.replace("uploads", "files") + "/content").content
        assert hashlib.sha256(whole).digest() == hashlib.sha256(data).digest()
        assert list((tmp_path / "data/files/uploads").iterdir()) == []


def app_of(server: Running, app: App) -> App:
    """The same app on a server that was started again."""
    return App(server, app.id, app.key, app.secret)
