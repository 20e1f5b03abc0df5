"""Uploading by hand: tus requests, one by one."""

from __future__ import annotations

import base64
from typing import Any

import httpx

TUS = {"Tus-Resumable": "1.0.0"}
CHUNK = TUS | {"Content-Type": "application/offset+octet-stream"}


def ok(answer: httpx.Response, status: int = 200) -> Any:
    """The body of a success."""
    assert answer.status_code == status, (answer.status_code, answer.text)
    return answer.json() if "json" in answer.headers.get("content-type", "") else answer.content


def refused(answer: httpx.Response, name: str) -> Any:
    """The problem document of a refusal."""
    problem = answer.json()
    assert problem["name"] == name, problem
    assert answer.status_code == problem["status"]
    return problem


def metadata(**values: str) -> str:
    """The value of Upload-Metadata."""
    return ",".join(f"{key} {base64.b64encode(value.encode()).decode()}" for key, value in values.items())


def create(client: httpx.Client, size_bytes: int, **values: str) -> httpx.Response:
    """Begin an upload."""
    headers = TUS | {"Upload-Length": str(size_bytes), "Upload-Metadata": metadata(**values)}
    return client.post("/v1/uploads", headers=headers)


def put(client: httpx.Client, place: str, offset: int, data: bytes, **headers: str) -> httpx.Response:
    """Send a chunk."""
    return client.patch(place, content=data, headers=CHUNK | {"Upload-Offset": str(offset)} | headers)


def offset_of(client: httpx.Client, place: str) -> int:
    """How much has arrived."""
    answer = client.head(place, headers=TUS)
    assert answer.status_code == 200, answer.status_code
    return int(answer.headers["Upload-Offset"])


def upload(client: httpx.Client, data: bytes, name: str = "x.bin", **values: str) -> str:
    """Upload in one chunk; the file's id."""
    made = create(client, len(data), filename=name, **values)
    ok(made, 201)
    place = made.headers["Location"]
    if data:
        ok(put(client, place, 0, data), 204)
    return place.rpartition("/")[2]
