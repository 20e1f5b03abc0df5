"""Files through the SDK against the real server: uploaded whole through cuts, kills and restarts, and named once."""

from __future__ import annotations

import asyncio
import hashlib
import random
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.integration.rest.running import App, Running, serving
from tests.integration.sdk.conftest import take, until
from tests.support.cutting_proxy import CuttingProxy
from tests.unit.files.samples import bomb, noise, picture, program, sound, video
from trunkline.client import Client, ClientStopped, RequestFailed, SendOutcome

pytestmark = pytest.mark.timeout(180)
CHILD = Path(__file__).parents[2] / "chaos" / "file_child.py"
OPTIONS = {"FILES__MIN_FREE_BYTES": "0", "LIVE__ENABLED": "false", "LIMITS__LINK_RATE": "0"}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    options = OPTIONS | {"FILES__MAX_SIZE_BYTES": "50000000"}
    with serving(tmp_path_factory.mktemp("sdk-files"), **options) as running:
        yield running


@pytest.fixture
def app(server: Running) -> App:
    return server.create_app()


def client(app: App, party: str, store: Any = ":memory:", url: str = "", **more: Any) -> Client:
    return Client(url or app.server.url, lambda: app.token(party), store, **more)


def keep(directory: Path, name: str, data: bytes) -> Path:
    path = directory / name
    path.write_bytes(data)
    return path


def read(app: App, party: str, file: str) -> bytes:
    """The content, as a party reads it."""
    with app.as_client(party) as reader:
        answer = reader.get(f"/v1/files/{file}/content")
    assert answer.status_code == 200, answer.text
    return answer.content


def messages(app: App, party: str, peer: str) -> list[dict[str, Any]]:
    """What is in their conversation."""
    with app.as_client(party) as reader:
        listed: list[Any] = reader.get("/v1/conversations").json()["conversations"]
        found: list[dict[str, Any]] = []
        for one in listed:
            entries = reader.get(f"/v1/conversations/{one['conversation']}/messages").json()["entries"]
            found += [entry for entry in entries if entry["type"] in ("file", "image", "voice", "video", "text")]
    return found


async def test_a_file_is_sent_as_what_it_is_and_others_read_it(app: App, tmp_path: Path) -> None:
    samples = {"image": picture(), "voice": sound(), "video": video(), "file": b"only bytes"}
    seen: list[tuple[int, int]] = []
    async with client(app, "user/ann") as ann, client(app, "user/bob") as bob:
        await bob.online()
        for type, data in samples.items():
            path = keep(tmp_path, f"{type}.dat", data)
            sent = await ann.files.send(
                "user/bob", path, content={"caption": "look"}, on_progress=lambda *at: seen.append(at)
            )
            assert sent.seq > 0
            assert seen[-1] == (len(data), len(data))
            [entry] = await take(bob.messages(types=[type]), 1)
            assert entry.content["caption"] == "look"
            assert read(app, "user/bob", entry.content["file"]) == data
            assert entry.content["size_bytes"] == len(data)
            if type == "image":
                assert (entry.content["width"], entry.content["blurhash"] != "") == (640, True)
            if type == "voice":
                assert entry.content["duration_ms"] > 1000
                assert len(entry.content["waveform"]) > 10
            if type == "file":
                assert entry.content["name"] == "file.dat"
        assert ann.files.waiting() == []
        view = await ann.files.upload(keep(tmp_path, "later.png", picture()), name="later")
        assert (view.kind, view.name) == ("image", "later")
        assert [row.file for row in (await ann.files.list()).files if row.name == "later"] == [view.file]


async def test_cut_at_a_hundred_random_bytes_it_arrives_whole_and_once(app: App, tmp_path: Path) -> None:
    chance = random.Random(20_261)
    data = noise(5_000_011)
    # A cut may come within the head of a request, too.
    cuts = [chance.randint(1, 80_000) for _ in range(100)]
    with CuttingProxy(app.server.url, cuts, only=b"PATCH /v1/uploads/") as proxy:
        async with client(app, "user/ann", url=proxy.url) as ann:
            path = keep(tmp_path, "cut.dat", data)
            offsets: list[int] = []
            handle = ann.files.send_nowait("user/bob", path, on_progress=lambda sent, _: offsets.append(sent))
            quick = await ann.send("user/bob", "a text does not wait for a file")
            async with asyncio.timeout(150):
                sent = await handle
            assert sent.seq > quick.seq
        assert proxy.made == 100
    [entry] = [entry for entry in messages(app, "user/bob", "user/ann") if entry["type"] == "file"]
    assert hashlib.sha256(read(app, "user/bob", entry["content"]["file"])).digest() == hashlib.sha256(data).digest()
    assert max(offsets) == len(data)


def send_until(app: App, store: Path, path: Path, when: str) -> None:
    """Run the child, which sends the file or goes on sending it, until it dies or is done."""
    arguments = [app.server.url, app.token("user/ann"), str(store), "user/bob", str(path), when]
    ran = subprocess.run(
        [sys.executable, str(CHILD), *arguments], capture_output=True, text=True, timeout=120, check=False
    )
    assert ran.returncode == (0 if when == "-" else -9), ran.stderr


@pytest.mark.timeout(240)
def test_application_and_server_are_killed_again_and_again_and_the_message_comes_once(tmp_path: Path) -> None:
    data = noise(9_000_007)
    path, store = keep(tmp_path, "killed.dat", data), tmp_path / "ann.db"
    # By bytes sent: early, later, before the last answer; then when the message is in the outbox, and when it is sent.
    lives = (("300000", "4000000"), ("9000007", "sdk.after_persist"), ("sdk.after_send", "-"))
    app: App | None = None
    for life in lives:
        with serving(tmp_path, **OPTIONS) as server:
            app = server.create_app() if app is None else App(server, app.id, app.key, app.secret)
            for when in life:
                send_until(app, store, path, when)
            if life is not lives[-1]:
                server.process.kill()
                continue
            found = [entry for entry in messages(app, "user/bob", "user/ann") if entry["type"] == "file"]
            assert len(found) == 1, "the message is there once"
            assert found[0]["content"]["caption"] == "mine"
            assert read(app, "user/bob", found[0]["content"]["file"]) == data


@pytest.mark.parametrize(
    ("name", "data", "mime", "code"),
    [
        ("game.png", program(), "", "file_type_refused"),
        ("bomb.png", bomb(), "", "file_unreadable"),
        ("sound.png", sound(), "image/png", "file_type_mismatch"),
        ("large.dat", noise(50_000_001), "", "file_too_large"),
    ],
)
async def test_what_the_server_refuses_is_told_and_holds_nothing_up(
    app: App, tmp_path: Path, name: str, data: bytes, mime: str, code: str
) -> None:
    told: list[SendOutcome] = []
    async with client(app, "user/ann", on_sent=told.append) as ann:
        with pytest.raises(RequestFailed, match=code):
            await ann.files.send("user/bob", keep(tmp_path, name, data), mime=mime)
        assert ann.files.waiting() == []
        await until(lambda: told)
        assert told[0].error_code > 0
        await ann.send("user/bob", "and on")
        assert (await ann.files.list()).files == []


async def test_a_file_that_changed_is_uploaded_anew_and_one_that_is_gone_is_told(app: App, tmp_path: Path) -> None:
    path, gone = keep(tmp_path, "draft.txt", b"first words"), keep(tmp_path, "gone.txt", b"soon gone")
    told: list[SendOutcome] = []
    store = tmp_path / "ann.db"
    async with client(app, "user/ann", store, url="http://127.0.0.1:9") as offline:
        handles = [offline.files.send_nowait("user/bob", each) for each in (path, gone)]
    for handle in handles:
        with pytest.raises(ClientStopped):
            await handle
    path.write_bytes(b"other words, and more of them")
    gone.unlink()
    async with client(app, "user/ann", store, on_sent=told.append) as ann:
        assert [row.path for row in ann.files.waiting()] == [str(path), str(gone)]
        await until(lambda: len(told) == 2)
        assert ann.files.waiting() == []
    assert sorted(bool(outcome.error_code) for outcome in told) == [False, True]
    [entry] = messages(app, "user/bob", "user/ann")
    assert read(app, "user/bob", entry["content"]["file"]) == b"other words, and more of them"


async def test_an_upload_without_a_message_goes_on_after_a_restart(app: App, tmp_path: Path) -> None:
    data = noise(3_000_000)
    path, store = keep(tmp_path, "slow.dat", data), tmp_path / "ann.db"
    first: list[int] = []

    async def cut(ann: Client) -> None:
        await ann.files.upload(path, on_progress=lambda sent, _: first.append(sent))

    with CuttingProxy(app.server.url, [1_000_000] + [1] * 1000, only=b"PATCH /v1/uploads/") as proxy:
        async with client(app, "user/ann", store, url=proxy.url) as ann:
            going = asyncio.create_task(cut(ann))
            await until(lambda: proxy.made > 2)
            going.cancel()
            await asyncio.gather(going, return_exceptions=True)
            [row] = ann.files.waiting()
    second: list[int] = []
    async with client(app, "user/ann", store) as ann:
        view = await ann.files.upload(path, on_progress=lambda sent, _: second.append(sent))
        assert ann.files.waiting() == []
    assert view.file == row.file
    assert second[0] > 500_000, "it did not begin anew"
    assert read(app, "user/ann", view.file) == data


async def test_an_answer_of_anything_but_our_server_is_no_success(tmp_path: Path) -> None:
    async def strange(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 418 Short and stout\r\nTransfer-Encoding: chunked\r\n\r\n3\r\ntea\r\n0\r\n\r\n")
        await writer.drain()
        writer.close()

    from trunkline.client.http_exchange import HttpServer
    from trunkline.client.tus import TusClient

    async def token() -> str:
        return "t"

    server = await asyncio.start_server(strange, "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        tus = TusClient(HttpServer(f"http://127.0.0.1:{port}", None, connect_timeout_s=5, idle_timeout_s=5), token)
        with pytest.raises(RequestFailed, match="418"):
            await tus.create(3, {"filename": "x"})
        with pytest.raises(RequestFailed):
            await tus.offset("f_x")
