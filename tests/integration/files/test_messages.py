"""Files in messages: who may name one, and who may read it for how long."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.integration.files.uploading import create, ok, put, refused, upload
from tests.integration.rest.running import App, Running, serving
from tests.unit.files.samples import picture

TEAM = "/v1/conversations/team"


@pytest.fixture
def carol(app: App) -> Iterator[httpx.Client]:
    with app.as_client("user/carol") as client:
        yield client


@pytest.fixture
def team(app: App, bob: httpx.Client) -> str:
    """A group of ann (owner) and bob."""
    with app.acting() as system:
        ok(system.post("/v1/groups", json={"id": "team", "owner": "user/ann", "members": ["user/bob"]}), 201)
    return "team"


def share(client: httpx.Client, file: str, type: str = "file", to: str = TEAM, **content: Any) -> httpx.Response:
    body = {"type": type, "content": {"file": file, "name": "x.bin", "size_bytes": 7} | content}
    return client.post(f"{to}/messages", json=body)


def content(client: httpx.Client, file: str) -> httpx.Response:
    return client.get(f"/v1/files/{file}/content")


def test_who_sees_the_message_reads_the_file_until_it_is_recalled(
    team: str, ann: httpx.Client, bob: httpx.Client, carol: httpx.Client
) -> None:
    file = upload(ann, b"for you")
    refused(content(bob, file), "not_found")
    seq = ok(share(ann, file), 201)["seq"]
    assert content(bob, file).content == b"for you"
    link = ok(bob.post(f"/v1/files/{file}/links", json={}), 201)["url"]
    assert bob.get(link).content == b"for you"
    refused(content(carol, file), "not_found")
    ok(ann.delete(f"{TEAM}/messages/{seq}"))
    refused(content(bob, file), "not_found")
    with httpx.Client(base_url=bob.base_url) as anyone:
        refused(anyone.get(link), "not_found")
    assert content(ann, file).content == b"for you"


def test_a_member_who_joins_later_or_deletes_for_himself_does_not_read(
    team: str, ann: httpx.Client, bob: httpx.Client, carol: httpx.Client
) -> None:
    early, late = upload(ann, b"early 1"), upload(ann, b"later 2")
    seq = ok(share(ann, early), 201)["seq"]
    ok(ann.post("/v1/groups/team/members", json={"parties": ["user/carol"]}))
    ok(share(ann, late), 201)
    refused(content(carol, early), "not_found")
    assert content(carol, late).content == b"later 2"
    ok(carol.post("/v1/groups/team/leave"))
    after = upload(ann, b"after 3")
    ok(share(ann, after), 201)
    refused(content(carol, after), "not_found")
    assert content(carol, late).content == b"later 2"
    assert bob.post(f"{TEAM}/hide", json={"seqs": [seq]}).status_code == 204
    refused(content(bob, early), "not_found")


def test_forwards_open_the_file_to_those_who_see_them(
    team: str, app: App, ann: httpx.Client, bob: httpx.Client, carol: httpx.Client
) -> None:
    file = upload(ann, b"forward")
    seq = ok(share(ann, file), 201)["seq"]
    for merged in (False, True):
        forward = {"source": "team", "seqs": [seq], "to": "user/carol", "merged": merged}
        sent = ok(bob.post("/v1/messages/forward", json=forward))["sent"][0]
        assert content(carol, file).content == b"forward"
        ok(bob.delete(f"/v1/conversations/{sent['conversation']}/messages/{sent['seq']}"))
        refused(content(carol, file), "not_found")


def test_what_a_message_says_of_its_file_has_to_be_true(
    server: Running, team: str, ann: httpx.Client, bob: httpx.Client
) -> None:
    file, image = upload(ann, b"content"), upload(ann, picture(), "p.png")
    head = ok(ann.get(TEAM))["head"]
    refused(share(ann, file, "image"), "invalid_content")
    refused(share(ann, file, size_bytes=8), "invalid_content")
    refused(share(ann, file, mime="image/png"), "invalid_content")
    refused(share(ann, image, "image", size_bytes=0, width=641), "invalid_content")
    refused(share(ann, file, url="https://elsewhere.example/x"), "invalid_content")
    refused(share(ann, "f_wrong"), "invalid_content")
    refused(share(ann, ""), "invalid_content")
    refused(share(ann, "f_" + "A" * 22), "not_found")
    refused(share(bob, file), "not_found")
    unfinished = create(ann, 7).headers["Location"].rpartition("/")[2]
    refused(share(ann, unfinished), "not_found")
    with server.create_app().as_client("user/ann") as namesake:
        foreign = upload(namesake, b"foreign")
    refused(share(ann, foreign), "not_found")
    assert ok(ann.get(TEAM))["head"] == head
    sent = ok(share(ann, image, "image", size_bytes=0, width=640, height=480), 201)
    view = ok(bob.get(f"{TEAM}/messages/{sent['seq']}"))
    assert view["content"]["file"] == image


def test_a_repeated_send_keeps_its_answer_when_the_file_is_gone(team: str, app: App) -> None:
    with app.acting("user/ann") as ann:
        file = upload(ann, b"content")
        body = {"type": "file", "content": {"file": file, "name": "x", "size_bytes": 7}, "outbox": "o" * 22, "n": 1}
        first = ok(ann.post(f"{TEAM}/messages", json=body), 201)
        ok(ann.delete(f"/v1/files/{file}"), 204)
        assert ok(ann.post(f"{TEAM}/messages", json=body), 201) == first
        refused(ann.post(f"{TEAM}/messages", json=body | {"n": 2}), "not_found")


def bytes_kept(place: Path) -> list[Path]:
    return [path for path in (place / "data/files").rglob("*") if path.is_file()]


def until(condition: Any, timeout_s: float = 45.0) -> None:
    deadline = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


@pytest.mark.timeout(120)
def test_unused_detached_and_erased_files_go_also_after_a_restart(tmp_path: Path) -> None:
    options = {
        "FILES__MIN_FREE_BYTES": "0",
        "FILES__COLLECT_EVERY_S": "0.1",
        "STORE__PROJECT_EVERY_S": "0.05",
        "LIVE__ENABLED": "false",
    }
    with serving(tmp_path, **options) as server:
        app = server.create_app()
        with app.as_client("user/ann") as ann, app.as_client("user/bob") as bob:
            kept, gone, recalled = (upload(ann, b"content") for _ in range(3))
            erased = upload(bob, picture(), "p.png")
            sent = [ok(ann.post("/v1/messages", json=message(file)), 201) for file in (kept, recalled)]
            ok(bob.post("/v1/messages", json=message(erased, "image") | {"to": "user/ann"}), 201)
            ok(ann.delete(f"/v1/conversations/{sent[1]['conversation']}/messages/{sent[1]['seq']}"))
            assert content(ann, erased).status_code == 200
            with app.acting() as system:
                ok(system.delete("/v1/parties/user/bob"))
            refused(content(ann, erased), "not_found")
            until(lambda: not any(erased in path.name for path in bytes_kept(tmp_path)))
            assert sum(path.name.endswith(".content") for path in bytes_kept(tmp_path)) == 3
    with serving(tmp_path, **options, FILES__UNUSED_S="1", FILES__DETACHED_S="1") as server:
        app.server = server
        until(lambda: [path.name for path in bytes_kept(tmp_path)] == [f"{kept}.content"])
        with app.as_client("user/ann") as ann:
            assert content(ann, kept).content == b"content"
            for file in (gone, recalled):
                refused(content(ann, file), "not_found")


def message(file: str, type: str = "file") -> dict[str, Any]:
    named = {"file": file} if type == "image" else {"file": file, "name": "x", "size_bytes": 7}
    return {"type": type, "to": "user/bob", "content": named}


def test_an_unfinished_upload_of_an_erased_party_is_gone(app: App, ann: httpx.Client, place: Path) -> None:
    begun = create(ann, 100).headers["Location"]
    ok(put(ann, begun, 0, b"x" * 10), 204)
    name = begun.rpartition("/")[2]
    assert any(name in path.name for path in bytes_kept(place))
    with app.acting() as system:
        ok(system.delete("/v1/parties/user/ann"))
    until(lambda: not any(name in path.name for path in bytes_kept(place)))
