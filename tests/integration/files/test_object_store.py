"""The whole service on an S3-compatible store that is not ours (moto): in, out, refused, away, and gone."""

from __future__ import annotations

import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import boto3
import pytest
from moto.server import ThreadedMotoServer

from tests.integration.files.uploading import create, ok, put, refused, upload
from tests.integration.rest.running import Running, serving
from tests.unit.files.samples import noise, picture, program


class Bucket:
    """The other side of the object store: what is really in it."""

    def __init__(self, endpoint: str, name: str) -> None:
        self.endpoint, self.name = endpoint, name
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            self._s3: Any = boto3.client(
                "s3",
                endpoint_url=endpoint,
                region_name="us-east-1",
                aws_access_key_id="test",
                aws_secret_access_key="test",
            )

    def make(self) -> None:
        self._s3.create_bucket(Bucket=self.name)

    def keys(self) -> list[str]:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return [one["Key"] for one in self._s3.list_objects_v2(Bucket=self.name).get("Contents", [])]

    def close(self) -> None:
        self._s3.close()


@pytest.fixture(scope="module")
def endpoint() -> Iterator[str]:
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@contextmanager
def on_bucket(place: Path, bucket: Bucket) -> Iterator[Running]:
    options = {
        "FILES__STORE": "s3",
        "FILES__S3_BUCKET": bucket.name,
        "FILES__S3_PREFIX": "chat",
        "FILES__S3_ENDPOINT": bucket.endpoint,
        "FILES__S3_ACCESS_KEY_ID": "test",
        "FILES__S3_SECRET_ACCESS_KEY": "test",
        "FILES__MIN_FREE_BYTES": "0",
        "FILES__COLLECT_EVERY_S": "0.2",
        "LIVE__ENABLED": "false",
    }
    with serving(place, **options) as server:
        yield server


@pytest.mark.timeout(120)
def test_files_live_in_a_bucket(tmp_path: Path, endpoint: str) -> None:
    bucket = Bucket(endpoint, "served")
    bucket.make()
    staging = tmp_path / "data/files/uploads"
    with on_bucket(tmp_path, bucket) as server, server.create_app().as_client("user/ann") as ann:
        data = noise(2_500_001)
        file = upload(ann, data, "large.dat")
        path = f"/v1/files/{file}/content"
        assert ann.get(path).content == data
        assert ann.get(path, headers={"Range": "bytes=1048570-2097160"}).content == data[1_048_570:2_097_161]
        link = ok(ann.post(f"/v1/files/{file}/links", json={}), 201)
        with server.client() as anyone:
            assert anyone.get(link["url"]).content == data
        image = upload(ann, picture(), "p.png")
        small = ann.get(f"/v1/files/{image}/thumbnail")
        assert small.status_code == 200 and len(small.content) > 100
        kept = bucket.keys()
        assert len(kept) == 3 and all(key.startswith("chat/") for key in kept)
        where = create(ann, len(program())).headers["Location"]
        refused(put(ann, where, 0, program()), "file_type_refused")
        assert bucket.keys() == kept
        assert list(staging.iterdir()) == []
        for one in (file, image):
            ok(ann.delete(f"/v1/files/{one}"), 204)
        deadline_s = time.monotonic() + 45
        while bucket.keys():
            assert time.monotonic() < deadline_s, "the bytes of deleted files leave the bucket"
    bucket.close()


@pytest.mark.timeout(120)
def test_a_store_that_is_away_costs_no_upload(tmp_path: Path, endpoint: str) -> None:
    bucket = Bucket(endpoint, "made-later")
    with on_bucket(tmp_path, bucket) as server, server.create_app().as_client("user/ann") as ann:
        data = noise(10_000)
        where = create(ann, len(data)).headers["Location"]
        problem = refused(put(ann, where, 0, data), "busy")
        assert problem["retry"] == "later"
        assert "later" not in problem["detail"] and "test" not in problem["detail"], "nothing of the store is told"
        file = where.rpartition("/")[2]
        refused(ann.get(f"/v1/files/{file}"), "not_found")
        bucket.make()
        # What had arrived was kept: asking again finishes it.
        answer = ann.head(where, headers={"Tus-Resumable": "1.0.0"})
        assert (answer.status_code, answer.headers["Upload-Offset"]) == (200, "10000")
        assert ann.get(f"/v1/files/{file}/content").content == data
    bucket.close()
