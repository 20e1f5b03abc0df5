"""An upload client that is not ours (tuspy) uploads, resumes, and survives cuts."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import httpx
import pytest
from tusclient.client import TusClient
from tusclient.exceptions import TusCommunicationError
from tusclient.storage.filestorage import FileStorage

from tests.integration.files.uploading import ok
from tests.integration.rest.running import App
from tests.support.cutting_proxy import CuttingProxy
from tests.unit.files.samples import noise, picture, program


class Reopened(io.BytesIO):
    """A file that can be read again after the client has closed it to take its fingerprint."""

    def close(self) -> None:
        self.seek(0)


def client_of(app: App, url: str = "") -> Any:
    address = f"{url or app.server.url}/v1/uploads"
    return TusClient(address, headers={"Authorization": f"Bearer {app.token('user/ann')}"})


def content(ann: httpx.Client, url: str) -> bytes:
    return ann.get(f"/v1/files/{url.rpartition('/')[2]}/content").content


@pytest.mark.parametrize("checked", [False, True], ids=["plain", "with checksums"])
def test_it_uploads(app: App, ann: httpx.Client, checked: bool) -> None:
    data = picture()
    uploader = client_of(app).uploader(
        file_stream=io.BytesIO(data),
        chunk_size=1000,
        metadata={"filename": "été.png", "filetype": "image/png"},
        upload_checksum=checked,
    )
    uploader.upload()
    assert content(ann, uploader.url) == data
    view = ok(ann.get(f"/v1/files/{uploader.url.rpartition('/')[2]}"))
    assert (view["name"], view["mime"], view["width"]) == ("été.png", "image/png", 640)


def test_it_resumes_in_another_process_with_the_address_it_kept(app: App, ann: httpx.Client, tmp_path: Path) -> None:
    data = noise(1_000_000)
    urls: list[str] = []
    for stop_at in (400_000, None):
        kept = FileStorage(str(tmp_path / "urls.json"))
        uploader = client_of(app).uploader(
            file_stream=Reopened(data), chunk_size=100_000, store_url=True, url_storage=kept
        )
        assert uploader.offset == (0 if stop_at else 400_000)
        uploader.upload(stop_at=stop_at)
        urls.append(uploader.url)
        kept.close()
    assert urls[0] == urls[1]
    assert content(ann, urls[0]) == data


def test_it_goes_on_after_cuts(app: App, ann: httpx.Client) -> None:
    data = noise(500_000)
    with CuttingProxy(app.server.url, [1, 200, 30_000, 77_777, 100_000], only=b"PATCH") as proxy:
        uploader = client_of(app, proxy.url).uploader(file_stream=io.BytesIO(data), retries=9, retry_delay=0)
        uploader.upload()
        assert proxy.made == 5
    assert content(ann, uploader.url) == data


def test_it_is_told_why_a_file_is_refused(app: App) -> None:
    client = client_of(app)
    with pytest.raises(TusCommunicationError) as caught:
        client.uploader(file_stream=io.BytesIO(program()), metadata={"filename": "holiday.png"}).upload()
    assert caught.value.status_code == 415
    assert b"file_type_refused" in caught.value.response_content
