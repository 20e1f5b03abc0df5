"""Two things at once on a real server: a stopped process finds both waiting when it goes on.

While the server is stopped, the kernel keeps what arrives. So requests of several connections meet in one turn of the
event loop, or cut each other in the middle, every time and not by luck.
"""

from __future__ import annotations

import sqlite3
import threading
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.claims.server_process import ServerProcess
from tests.integration.link.wire_client import Refused, WireClient
from tests.integration.sdk.conftest import until
from trunkline.base.errors import Code

pytestmark = pytest.mark.timeout(120)
SENDS, SEND_BYTES = 400, 8_000


def hello(process: ServerProcess, party: str, **more: Any) -> WireClient:
    client = WireClient(process.url)
    client.call("hello", token=process.token(party), device="d1", **more)
    return client


def texts(client: WireClient) -> list[str]:
    """Numbers of the messages, without their padding."""
    found = client.call("history.get", conversation="team", from_seq=1, limit=500)["entries"]
    return [entry["content"]["text"].strip(".") for entry in found if entry["type"] == "text"]


def superseded_in_the_middle(process: ServerProcess, number: int) -> int:
    """Queue sends of one connection and the hello of a newer one; how many the newer one was told of."""
    outbox, party = f"outbox-{number}", "user/ann"

    def content(n: int) -> dict[str, str]:
        return {"text": f"{number}/{n}".ljust(SEND_BYTES, ".")}

    with ExitStack() as stack:
        old = stack.enter_context(hello(process, party, outbox=outbox))
        new = stack.enter_context(WireClient(process.url))
        before = len(texts(old))
        old.call("message.send", conversation="team", content=content(1), n=1)
        process.pause()

        def pour() -> None:
            for n in range(2, SENDS + 1):
                try:
                    old.request("message.send", conversation="team", content=content(n), n=n)
                except OSError:
                    return  # the server has closed

        # More than the kernel keeps: the rest follows while the server is at it, and after the newer hello.
        pouring = threading.Thread(target=pour)
        pouring.start()
        request = new.request("hello", token=process.token(party), device="d1", outbox=outbox)
        process.resume()
        while (found := new.receive())[1] != request:
            pass
        known = int(found[2]["outbox_n"])
        pouring.join(15)
        assert not pouring.is_alive()
        assert texts(new)[before:] == [f"{number}/{n}" for n in range(1, known + 1)]
        # The number after the last known one is the newer connection's: no late frame has taken it.
        mine = new.call("message.send", conversation="team", content={"text": f"{number}/new"}, n=known + 1)
        assert texts(new)[-1] == f"{number}/new"
        assert mine == new.call("message.send", conversation="team", content={"text": f"{number}/new"}, n=known + 1)
        return known


async def test_frames_of_a_superseded_session_are_not_applied(tmp_path: Path):
    limits = {"link_rate": 0, "window": 1000}
    async with ServerProcess(tmp_path, config={"limits": limits}) as process:
        await process.create_app()
        with hello(process, "user/ann") as ann:
            ann.call("group.create", id="team", name="Team", members=[])
        applied = [superseded_in_the_middle(process, number) for number in range(3)]
    assert all(1 <= known < SENDS for known in applied), "no frame came late: the test proves nothing"


async def test_who_is_revoked_during_hello_is_not_let_in(tmp_path: Path):
    go_on = tmp_path / "go-on"
    hooks = ("--hello-waits-for", str(go_on))
    revoked = {"ann": Code.TOKEN_REVOKED, "bob": Code.DEVICE_REVOKED, "cem": Code.KEY_REVOKED}
    async with ServerProcess(tmp_path, module="tests.claims.hooked_server", arguments=hooks) as process:
        await process.create_app()
        with ExitStack() as stack:
            api = stack.enter_context(httpx.Client(base_url=process.url, auth=(process.key, process.secret)))
            clients = {name: stack.enter_context(WireClient(process.url)) for name in revoked}
            for name, client in clients.items():
                client.request("hello", token=process.token(f"user/{name}"), device="d1", outbox=f"outbox-of-{name}")
                await until((tmp_path / f"outbox-of-{name}.waiting").exists)
            for named in ({"party": "user/ann"}, {"party": "user/bob", "device": "d1"}):
                assert api.post("/v1/tokens/revoke", json=named).status_code == 204
            assert api.delete(f"/v1/keys/{process.key}").status_code == 204
            go_on.touch()
            for name, code in revoked.items():
                kind, _, error = clients[name].receive()
                assert (name, kind, error.get("code")) == (name, 3, code.number)
                assert clients[name].closed() == code.close_code
        assert "\ntrunkline_sessions 0.0\n" in httpx.get(f"{process.url}/metrics").text


async def test_a_repeat_that_only_the_index_knows_is_not_answered_while_it_is_behind(tmp_path: Path):
    async with ServerProcess(tmp_path) as process:
        await process.create_app()

        def say(client: WireClient, n: int) -> Any:
            return client.call("message.send", to="user/bob", content={"text": str(n)}, n=n)

        with hello(process, "user/ann", outbox="outbox-of-ann") as ann:
            first = [say(ann, n) for n in (1, 2, 3)]
        await process.terminate()
        await process.start()  # what was sent is in the index now, and no longer in memory
        with (
            hello(process, "user/ann", outbox="outbox-of-ann") as ann,
            closing(sqlite3.connect(process.data_dir / "index.db", timeout=10)) as other,
        ):
            other.execute("BEGIN IMMEDIATE")
            say(ann, 4)
            with pytest.raises(Refused) as refused:
                say(ann, 2)
            assert refused.value.code == Code.TIMED_OUT.number
            assert "applied" not in refused.value.error or refused.value.error["applied"] is None
            assert refused.value.error["retry_ms"] > 0
            other.rollback()

            def answered() -> bool:
                try:
                    return bool(say(ann, 2) == first[1])
                except Refused as again:
                    assert again.code == Code.TIMED_OUT.number
                    return False

            await until(answered)
            history = ann.call("history.get", conversation=first[0]["conversation"], from_seq=1)["entries"]
            assert [entry["content"]["text"] for entry in history if entry["type"] == "text"] == ["1", "2", "3", "4"]
