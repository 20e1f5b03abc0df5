"""Bytes in, bytes out: uploads in pieces, ranges, pictures, links; over real sockets."""

from __future__ import annotations

import base64
import hashlib
import os

import httpx
import pytest

from tests.integration.files.uploading import TUS, create, offset_of, ok, put, refused, upload
from tests.integration.rest.running import App, Running
from tests.unit.files.samples import noise, picture, sound, video


def test_an_upload_in_pieces_is_read_back_whole_and_in_ranges(ann: httpx.Client) -> None:
    data = noise(300_001)
    made = create(ann, len(data), filename="a b.dat")
    ok(made, 201)
    place = made.headers["Location"]
    for start in range(0, len(data), 100_000):
        assert offset_of(ann, place) == start
        answer = put(ann, place, start, data[start : start + 100_000])
        assert (answer.status_code, int(answer.headers["Upload-Offset"])) == (204, min(start + 100_000, len(data)))
    # A client whose last answer was lost asks again, and sends nothing twice.
    assert offset_of(ann, place) == len(data)
    ok(put(ann, place, len(data), b""), 204)
    file = place.rpartition("/")[2]
    path = f"/v1/files/{file}/content"
    whole = ann.get(path)
    assert whole.content == data
    digest = hashlib.sha256(data).digest()
    assert whole.headers["Repr-Digest"] == f"sha-256=:{base64.b64encode(digest).decode()}:"
    assert whole.headers["X-Content-Type-Options"] == "nosniff"
    assert whole.headers["Content-Disposition"].startswith('attachment; filename="a b.dat"')
    assert whole.headers["Content-Type"] == "application/octet-stream"
    for asked, start, end in (("0-9", 0, 10), ("299990-", 299_990, 300_001), ("-5", 299_996, 300_001)):
        part = ann.get(path, headers={"Range": f"bytes={asked}"})
        assert (part.status_code, part.content) == (206, data[start:end])
        assert part.headers["Content-Range"] == f"bytes {start}-{end - 1}/{len(data)}"
    etag = whole.headers["ETag"]
    assert ann.get(path, headers={"If-None-Match": etag}).status_code == 304
    assert ann.get(path, headers={"Range": "bytes=0-1", "If-Range": '"other"'}).status_code == 200
    head = ann.head(path)
    assert (head.status_code, head.headers["Content-Length"], head.content) == (200, str(len(data)), b"")
    refused(ann.get(path, headers={"Range": "bytes=300001-"}), "range_unsatisfiable")
    view = ok(ann.get(f"/v1/files/{file}"))
    assert (view["sha256"], view["size_bytes"], view["kind"]) == (digest.hex(), len(data), "file")


def test_pictures_sound_and_video_are_described(ann: httpx.Client) -> None:
    image = ok(ann.get("/v1/files/" + upload(ann, picture(), "p.png", filetype="image/png")))
    assert (image["kind"], image["width"], image["height"]) == ("image", 640, 480)
    assert image["blurhash"] and image["pictures"][0]["name"] == "thumbnail"
    small = ann.get(f"/v1/files/{image['file']}/thumbnail")
    assert (small.status_code, len(small.content)) == (200, image["pictures"][0]["size_bytes"])
    assert small.headers["Content-Disposition"].startswith("inline")
    voice = ok(ann.get("/v1/files/" + upload(ann, sound(), "v.ogg")))
    assert voice["kind"] == "audio" and 1900 <= voice["duration_ms"] <= 2100
    assert voice["waveform"][-1] > voice["waveform"][0]
    film = ok(ann.get("/v1/files/" + upload(ann, video(), "f.mp4")))
    assert (film["kind"], film["width"], film["pictures"][0]["name"]) == ("video", 320, "poster")
    assert ann.get(f"/v1/files/{film['file']}/poster").status_code == 200
    refused(ann.get(f"/v1/files/{voice['file']}/poster"), "not_found")


def test_a_link_opens_one_file_without_credentials_and_no_other(server: Running, ann: httpx.Client) -> None:
    file, other = upload(ann, b"one"), upload(ann, b"other")
    link = ok(ann.post(f"/v1/files/{file}/links", json={"ttl_s": 60}), 201)
    with server.client() as anyone:
        assert anyone.get(link["url"]).content == b"one"
        refused(anyone.get(link["url"].replace(file, other)), "link_invalid")
        refused(anyone.get(link["url"].replace("ann", "bob")), "link_invalid")
        refused(anyone.get(f"/v1/files/{file}/content"), "credentials_missing")
        ok(ann.delete(f"/v1/files/{file}"), 204)
        refused(anyone.get(link["url"]), "not_found")
    refused(ann.post(f"/v1/files/{other}/links", json={"ttl_s": 604_800}), "limit_exceeded")


def test_apps_and_parties_are_apart(server: Running, app: App, ann: httpx.Client, bob: httpx.Client) -> None:
    file = upload(ann, b"private")
    waiting = create(ann, 10).headers["Location"]
    with server.create_app().as_client("user/ann") as namesake:
        for stranger in (bob, namesake):
            refused(stranger.get(f"/v1/files/{file}"), "not_found")
            refused(stranger.get(f"/v1/files/{file}/content"), "not_found")
            refused(stranger.post(f"/v1/files/{file}/links", json={}), "not_found")
            refused(stranger.delete(f"/v1/files/{file}"), "not_found")
            refused(put(stranger, waiting, 0, b"x"), "not_found")
            assert stranger.head(waiting, headers=TUS).status_code == 404
            refused(stranger.delete(waiting, headers=TUS), "not_found")
            assert ok(stranger.get("/v1/files"))["files"] == []
    assert [one["file"] for one in ok(ann.get("/v1/files"))["files"]] == [file]
    assert ann.get(f"/v1/files/{file}/content").content == b"private"
    with app.acting() as system:
        assert system.get(f"/v1/files/{file}/content").content == b"private"


def test_own_files_are_listed_in_pages_and_deleted(ann: httpx.Client) -> None:
    files = sorted(upload(ann, b"%d" % number) for number in range(5))
    found: list[str] = []
    after = ""
    while True:
        page = ok(ann.get("/v1/files", params={"limit": 2, "after": after}))
        found += [one["file"] for one in page["files"]]
        after = page.get("next", "")
        if not after:
            break
    assert found == files
    ok(ann.delete(f"/v1/files/{files[0]}"), 204)
    refused(ann.get(f"/v1/files/{files[0]}"), "not_found")
    assert [one["file"] for one in ok(ann.get("/v1/files"))["files"]] == files[1:]


def test_an_upload_comes_with_its_creation_and_ends_by_termination(ann: httpx.Client) -> None:
    data = os.urandom(1000)
    headers = TUS | {"Upload-Length": "1000", "Content-Type": "application/offset+octet-stream"}
    made = ann.post("/v1/uploads", content=data, headers=headers)
    assert (made.status_code, made.headers["Upload-Offset"]) == (201, "1000")
    assert ann.get(made.headers["Location"].replace("uploads", "files") + "/content").content == data
    place = create(ann, 1000).headers["Location"]
    ok(put(ann, place, 0, data[:10]), 204)
    assert ann.delete(place, headers=TUS).status_code == 204
    assert ann.head(place, headers=TUS).status_code == 404
    assert ann.get("/v1/files/" + upload(ann, b"") + "/content").content == b""


def test_a_chunk_with_a_wrong_checksum_does_not_count(ann: httpx.Client) -> None:
    place = create(ann, 6).headers["Location"]
    ok(put(ann, place, 0, b"abc"), 204)
    right = "sha1 " + base64.b64encode(hashlib.sha1(b"def").digest()).decode()
    refused(put(ann, place, 3, b"dxf", **{"Upload-Checksum": right}), "checksum_mismatch")
    assert offset_of(ann, place) == 3
    ok(put(ann, place, 3, b"def", **{"Upload-Checksum": right}), 204)
    assert ann.get(place.replace("uploads", "files") + "/content").content == b"abcdef"


@pytest.mark.parametrize("method", ["POST", "HEAD", "PATCH", "DELETE"])
def test_tus_requests_without_a_version_or_credentials_are_refused(
    server: Running, ann: httpx.Client, method: str
) -> None:
    path = "/v1/uploads" if method == "POST" else "/v1/uploads/f_x"
    answer = ann.request(method, path)
    assert (answer.status_code, answer.headers["Tus-Version"]) == (412, "1.0.0")
    with server.client() as anyone:
        headers = TUS | {"Upload-Length": "1", "Upload-Offset": "0", "Content-Type": "application/offset+octet-stream"}
        assert anyone.request(method, path, headers=headers).status_code == 401


def test_options_tell_what_is_supported(server: Running) -> None:
    with server.client() as anyone:
        answer = anyone.options("/v1/uploads")
    assert (answer.status_code, answer.headers["Tus-Version"]) == (204, "1.0.0")
    assert answer.headers["Tus-Max-Size"] == "104857600"
    extensions = set(answer.headers["Tus-Extension"].split(","))
    assert extensions == {"creation", "creation-with-upload", "expiration", "checksum", "termination"}
