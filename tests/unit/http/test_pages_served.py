"""Built pages: types, caching, compression, policy; what is not there, and what was never built."""

from __future__ import annotations

import gzip
from pathlib import Path

import httpx
import pytest

from tests.unit.http.conftest import Connect
from trunkline.base.errors import Code
from trunkline.edges.http import HttpConfig
from trunkline.edges.http.site import Site, choose_coding

SCRIPT = b"export const answer = 42\n" * 50
PACKED_BR = b"bytes that only a browser would unpack"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    site = tmp_path / "site"
    (site / "docs/assets").mkdir(parents=True)
    (site / "docs/index.html").write_text("<!doctype html><title>Docs</title>")
    (site / "docs/rooms.html").write_text("<!doctype html><title>Rooms</title>")
    script = site / "docs/assets/main-ABCD2345.js"
    script.write_bytes(SCRIPT)
    script.with_name(script.name + ".gz").write_bytes(gzip.compress(SCRIPT))
    script.with_name(script.name + ".br").write_bytes(PACKED_BR)
    (site / "docs/.secret.html").write_text("hidden")
    (site / "docs/notes.py").write_text("unknown type")
    (tmp_path / "outside.html").write_text("outside")
    (site / "docs/link.html").symlink_to(tmp_path / "outside.html")
    return site


@pytest.fixture
def client(connect: Connect, folder: Path) -> httpx.AsyncClient:
    return connect(auth=None, site=Site.load([folder]))


async def test_a_page_has_its_type_its_policy_and_is_asked_for_again(client: httpx.AsyncClient) -> None:
    answer = await client.get("/docs/")
    assert answer.status_code == 200 and "<title>Docs</title>" in answer.text
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert answer.headers["cache-control"] == "no-cache"
    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy and "unsafe" not in policy and "*" not in policy
    assert answer.headers["x-content-type-options"] == "nosniff"
    again = await client.get("/docs/", headers={"If-None-Match": answer.headers["etag"]})
    assert again.status_code == 304 and again.content == b"" and again.headers["etag"] == answer.headers["etag"]
    assert (await client.get("/docs/rooms")).text == (await client.get("/docs/rooms.html")).text


async def test_what_is_named_after_its_content_is_kept_for_ever_and_comes_compressed(client: httpx.AsyncClient) -> None:
    path = "/docs/assets/main-ABCD2345.js"
    packed = await client.get(path, headers={"Accept-Encoding": "gzip"})
    assert packed.content == SCRIPT and packed.headers["content-encoding"] == "gzip"
    assert packed.headers["content-type"] == "text/javascript; charset=utf-8"
    assert packed.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert packed.headers["vary"] == "Accept-Encoding"
    plain = await client.get(path, headers={"Accept-Encoding": "identity"})
    assert plain.content == SCRIPT and "content-encoding" not in plain.headers
    assert plain.headers["etag"] != packed.headers["etag"]
    async with client.stream("GET", path, headers={"Accept-Encoding": "gzip, br"}) as best:
        assert best.headers["content-encoding"] == "br"
        assert b"".join([part async for part in best.aiter_raw()]) == PACKED_BR
    head = await client.head(path, headers={"Accept-Encoding": "identity"})
    assert head.content == b"" and int(head.headers["content-length"]) == len(SCRIPT)


@pytest.mark.parametrize(
    ("accepted", "coding"),
    [
        ("", "identity"),
        ("gzip, deflate, br, zstd", "br"),
        ("br;q=0, gzip", "gzip"),
        ("*", "br"),
        ("*;q=0", "identity"),
        ("br;q=nonsense", "identity"),
        ("GZIP ; q=0.5", "gzip"),
        (",;,=;q=,", "identity"),
    ],
)
def test_the_coding_is_one_that_was_accepted(accepted: str, coding: str) -> None:
    assert choose_coding(accepted, ["identity", "br", "gzip"]) == coding


@pytest.mark.parametrize(
    "path",
    [
        "/docs/.secret.html",
        "/docs/notes.py",
        "/docs/link.html",
        "/docs/assets/main-ABCD2345.js.br",
        "/docs/../docs/index.html",
        "/docs/%2e%2e/outside.html",
        "/docs/assets/",
        "/docs//",
        "/%00",
    ],
)
async def test_nothing_but_the_pages_is_there(client: httpx.AsyncClient, path: str) -> None:
    answer = await client.get(path)
    assert answer.status_code == 404 and answer.json()["code"] == Code.UNKNOWN_RESOURCE.number


async def test_a_folder_is_named_with_its_slash_and_pages_take_no_posts(client: httpx.AsyncClient) -> None:
    moved = await client.get("/docs")
    assert (moved.status_code, moved.headers["location"]) == (308, "/docs/")
    assert (await client.post("/docs/")).status_code == 404
    assert (await client.get("/")).headers["location"] == "/docs/"


async def test_of_two_folders_the_later_wins(connect: Connect, folder: Path, tmp_path: Path) -> None:
    mine = tmp_path / "mine"
    (mine / "docs").mkdir(parents=True)
    (mine / "docs/index.html").write_text("mine")
    (mine / "index.html").write_text("home")
    client = connect(auth=None, site=Site.load([folder, mine]))
    assert (await client.get("/docs/")).text == "mine"
    assert (await client.get("/")).text == "home"
    assert (await client.get("/docs/rooms")).status_code == 200


async def test_pages_never_hide_an_operation(connect: Connect, tmp_path: Path) -> None:
    (tmp_path / "v1").mkdir()
    (tmp_path / "v1/openapi.json").write_text('{"mine": true}')
    (tmp_path / "v1/conversations.html").write_text("mine")
    client = connect(site=Site.load([tmp_path]))
    assert "paths" in (await client.get("/v1/openapi.json")).json()
    assert "mine" not in (await client.get("/v1/conversations")).text


async def test_without_pages_it_says_what_to_run(connect: Connect) -> None:
    client = connect(auth=None)
    answer = await client.get("/docs")
    assert answer.status_code == 404 and "make web" in answer.text
    assert (await client.get("/")).headers["location"] == "/docs/api"


async def test_documentation_that_is_switched_off_is_off(connect: Connect, folder: Path) -> None:
    client = connect(auth=None, site=Site.load([folder]), config=HttpConfig(docs=False))
    assert (await client.get("/docs/")).status_code == 404
