"""What is refused: with which error, and that nothing of it stays on the disk."""

from __future__ import annotations

import hashlib
from pathlib import Path

import httpx
import pytest

from tests.integration.files.uploading import TUS, create, ok, put, refused, upload
from tests.integration.rest.running import App, serving
from tests.unit.files.samples import bomb, noise, picture, program


def bytes_kept(place: Path, file: str) -> list[str]:
    return [path.name for path in (place / "data/files").rglob("*") if path.name.startswith(file)]


@pytest.mark.parametrize(
    ("data", "claims", "error"),
    [
        (program(), {"filetype": "image/png"}, "file_type_refused"),
        (program(), {}, "file_type_refused"),
        (b"#!/bin/sh\nrm -rf /\n", {"filetype": "text/plain"}, "file_type_refused"),
        (bomb(), {"filetype": "image/png"}, "file_unreadable"),
        (bomb(), {}, "file_unreadable"),
        (picture()[: len(picture()) // 2], {"filetype": "image/png"}, "file_unreadable"),
        (picture("JPEG"), {"filetype": "image/png"}, "file_type_mismatch"),
        (b"<html><script>alert(1)</script>", {"filetype": "image/png"}, "file_type_mismatch"),
        (noise(1000), {"sha256": hashlib.sha256(b"other").hexdigest()}, "checksum_mismatch"),
    ],
    ids=lambda value: value if isinstance(value, str) else None,
)
def test_a_content_that_is_not_what_it_says_leaves_nothing(
    ann: httpx.Client, place: Path, data: bytes, claims: dict[str, str], error: str
) -> None:
    made = create(ann, len(data), filename="holiday.png", **claims)
    ok(made, 201)
    where = made.headers["Location"]
    file = where.rpartition("/")[2]
    assert bytes_kept(place, file)
    refused(put(ann, where, 0, data), error)
    assert bytes_kept(place, file) == []
    # Whoever lost the answer is told the same by HEAD.
    assert ann.head(where, headers=TUS).status_code in (415, 422, 460)
    refused(ann.get(f"/v1/files/{file}"), "not_found")


def test_ten_gigabytes_are_refused_before_a_byte_is_written(ann: httpx.Client, place: Path) -> None:
    before = sorted((place / "data/files").rglob("*"))
    problem = refused(create(ann, 10 * 1024**3, filename="large.mp4"), "file_too_large")
    assert "104857600" in problem["detail"]
    headers = TUS | {"Upload-Length": "5", "Content-Type": "application/offset+octet-stream"}
    refused(ann.post("/v1/uploads", content=b"longer than declared", headers=headers), "invalid_params")
    where = create(ann, 5).headers["Location"]
    refused(put(ann, where, 0, b"longer than declared"), "file_too_large")
    assert ann.delete(where, headers=TUS).status_code == 204
    assert sorted((place / "data/files").rglob("*")) == before


@pytest.mark.parametrize(
    ("headers", "error"),
    [
        ({}, "invalid_params"),
        ({"Upload-Length": "-1"}, "invalid_params"),
        ({"Upload-Length": "1", "Upload-Metadata": "filename !"}, "invalid_params"),
        ({"Upload-Length": "1", "Upload-Metadata": "filetype bm90aGluZw=="}, "invalid_params"),
        ({"Upload-Length": "1", "Upload-Metadata": "sha256 YWJj"}, "invalid_params"),
        ({"Upload-Defer-Length": "1"}, "invalid_params"),
        ({"Upload-Length": "1", "Upload-Concat": "partial"}, "invalid_params"),
    ],
)
def test_bad_creations(ann: httpx.Client, headers: dict[str, str], error: str) -> None:
    refused(ann.post("/v1/uploads", headers=TUS | headers), error)


def test_bad_chunks_change_nothing(ann: httpx.Client) -> None:
    where = create(ann, 10).headers["Location"]
    ok(put(ann, where, 0, b"abc"), 204)
    refused(put(ann, where, 2, b"x"), "offset_mismatch")
    refused(ann.patch(where, content=b"x", headers=TUS | {"Upload-Offset": "3"}), "unsupported_media_type")
    refused(put(ann, where, 3, b"x", **{"Upload-Checksum": "crc32 AAAA"}), "invalid_params")
    refused(ann.post(where, headers=TUS), "method_not_allowed")
    assert ann.head(where, headers=TUS).headers["Upload-Offset"] == "3"
    refused(ann.delete("/v1/uploads/" + upload(ann, b"done"), headers=TUS), "upload_gone")


@pytest.mark.timeout(120)
def test_limits_quotas_types_and_the_scanner(tmp_path: Path) -> None:
    scanner = tmp_path / "scan"
    scanner.write_text('#!/bin/sh\ngrep -q EICAR "$1" && exit 1\nexit 0\n')
    scanner.chmod(0o755)
    options = {
        "FILES__MIN_FREE_BYTES": "0",
        "FILES__QUOTA_PARTY_BYTES": "3000",
        "FILES__QUOTA_APP_BYTES": "5000",
        "FILES__MAX_UPLOADS_PER_PARTY": "2",
        "FILES__TYPES": "text/plain,image/*",
        "FILES__SCAN_COMMAND": f"{scanner},{{path}}",
        "LIVE__ENABLED": "false",
    }
    with serving(tmp_path, **options) as server:
        app: App = server.create_app()
        with app.as_client("user/ann") as ann, app.as_client("user/bob") as bob, app.as_client("user/carol") as carol:
            refused(create(ann, 10, filetype="video/mp4"), "file_type_refused")
            where = create(ann, 1000).headers["Location"]
            refused(put(ann, where, 0, noise(1000)), "file_type_refused")
            where = create(ann, 20).headers["Location"]
            refused(put(ann, where, 0, b"EICAR test content.."), "scan_refused")
            assert bytes_kept(tmp_path, "f_") == []
            upload(ann, b"t" * 2000)
            before = bytes_kept(tmp_path, "")
            refused(create(ann, 1001), "limit_exceeded")
            assert bytes_kept(tmp_path, "") == before
            waiting = [create(ann, 1).headers["Location"] for _ in range(2)]
            refused(create(ann, 1), "limit_exceeded")
            for one in waiting:
                assert ann.delete(one, headers=TUS).status_code == 204
            file = upload(ann, b"t" * 1000)
            upload(bob, b"t" * 2000)
            refused(create(carol, 1), "limit_exceeded")
            ok(ann.delete(f"/v1/files/{file}"), 204)
            upload(ann, b"t" * 1000)


def test_switched_off(tmp_path: Path) -> None:
    with serving(tmp_path, FILES__ENABLED="false", LIVE__ENABLED="false") as server:
        app: App = server.create_app()
        with app.as_client("user/ann") as ann:
            assert create(ann, 1).status_code == 404
            refused(ann.get("/v1/files"), "feature_disabled")
            named = {"file": "f_" + "A" * 22, "name": "x", "size_bytes": 7}
            body = {"to": "user/bob", "type": "file", "content": named}
            refused(ann.post("/v1/messages", json=body), "feature_disabled")
