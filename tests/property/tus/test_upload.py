"""tus without I/O, against simple models: offsets through cuts and damage, and headers that read back as written."""

from __future__ import annotations

import base64
import hashlib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trunkline.base.errors import Code, TrunklineError
from trunkline.protocol.tus import (
    AppendChunk,
    AskOffset,
    Checksum,
    CreateUpload,
    Terminate,
    Upload,
    capabilities,
    described,
    parse_request,
)
from trunkline.protocol.tus.headers import format_metadata, parse_metadata
from trunkline.protocol.tus.requests import CHUNK_TYPE, effective_method

TUS = {"tus-resumable": "1.0.0"}


@given(st.data())
def test_whatever_is_cut_or_damaged_what_counts_is_a_prefix_of_the_content(data: st.DataObject) -> None:
    """The disk is modelled by a bytearray that is written at the machine's position, as the edge does."""
    content = data.draw(st.binary(max_size=60))
    upload = Upload(len(content))
    disk = bytearray(len(content))
    for _ in range(data.draw(st.integers(0, 12))):
        start = upload.offset
        size = data.draw(st.integers(0, len(content) - start))
        body = content[start : start + size]
        checksum = data.draw(st.sampled_from(["", "good", "bad"]))
        digest = hashlib.sha1(body if checksum == "good" else body + b"!").digest()
        declared = data.draw(st.sampled_from([None, size]))
        upload.begin(AppendChunk(start, declared, Checksum("sha1", digest) if checksum else None))
        arrived = data.draw(st.integers(0, size))
        for at in range(0, arrived, 7):
            piece = body[at : min(at + 7, arrived)]
            disk[upload.position : upload.position + len(piece)] = piece
            upload.take(piece)
        ended = data.draw(st.booleans()) if declared is not None else arrived == size
        whole = arrived == size
        if not ended:
            upload.cut()
            expected = start if checksum else start + arrived
        elif checksum == "bad" and whole:
            with pytest.raises(TrunklineError) as caught:
                upload.finish()
            assert caught.value.code is Code.CHECKSUM_MISMATCH
            expected = start
        else:
            upload.finish()
            expected = start + arrived if whole or not checksum else start
        assert upload.offset == expected
        assert disk[: upload.offset] == content[: upload.offset]
    assert upload.complete == (upload.offset == len(content))


@given(st.integers(0, 50), st.integers(0, 50), st.integers(0, 80))
def test_only_the_present_offset_is_accepted(length: int, offset: int, asked: int) -> None:
    upload = Upload(max(length, offset), offset)
    if asked == offset:
        upload.begin(AppendChunk(asked))
        return
    with pytest.raises(TrunklineError) as caught:
        upload.begin(AppendChunk(asked))
    assert caught.value.code is Code.OFFSET_MISMATCH
    assert upload.offset == offset


@given(st.integers(0, 20), st.integers(1, 20))
def test_more_than_was_declared_is_refused_and_counts_nothing_of_it(length: int, more: int) -> None:
    declared = Upload(length)
    with pytest.raises(TrunklineError) as caught:
        declared.begin(AppendChunk(0, length + more))
    assert caught.value.code is Code.FILE_TOO_LARGE
    silent = Upload(length)
    silent.begin(AppendChunk(0))
    with pytest.raises(TrunklineError):
        silent.take(bytes(length + more))
    assert silent.cut() == 0


_KEYS = st.text(st.characters(min_codepoint=33, max_codepoint=126, exclude_characters=","), min_size=1, max_size=20)


@given(st.dictionaries(_KEYS, st.text(st.characters(exclude_categories=["Cs"]), max_size=40), max_size=6))
def test_metadata_reads_back_as_written(metadata: dict[str, str]) -> None:
    assert parse_metadata(format_metadata(metadata)) == metadata


@given(
    st.sampled_from(["POST", "PATCH", "HEAD", "DELETE", "GET", "PUT"]),
    st.dictionaries(
        st.sampled_from(
            ["upload-length", "upload-offset", "upload-metadata", "upload-checksum", "content-length", "content-type"]
        ),
        st.text(max_size=30) | st.integers(0, 10**20).map(str) | st.just(CHUNK_TYPE),
    ),
    st.booleans(),
)
def test_any_headers_give_a_command_or_a_definite_refusal(
    method: str, headers: dict[str, str], collection: bool
) -> None:
    try:
        command = parse_request(method, headers | TUS, collection=collection)
    except TrunklineError as error:
        assert error.code.number // 1000 == 1
    else:
        assert isinstance(command, CreateUpload | AppendChunk | AskOffset | Terminate)


def b64(data: bytes) -> str:
    return base64.b64encode(data).decode()


@pytest.mark.parametrize(
    ("method", "headers", "collection", "code"),
    [
        ("HEAD", {}, False, Code.TUS_VERSION),
        ("HEAD", {"tus-resumable": "0.2.2"}, False, Code.TUS_VERSION),
        ("GET", TUS, False, Code.METHOD_NOT_ALLOWED),
        ("PATCH", TUS, True, Code.METHOD_NOT_ALLOWED),
        ("POST", TUS, True, Code.INVALID_PARAMS),
        ("POST", TUS | {"upload-length": "-1"}, True, Code.INVALID_PARAMS),
        ("POST", TUS | {"upload-length": "9007199254740992"}, True, Code.INVALID_PARAMS),
        ("POST", TUS | {"upload-defer-length": "1"}, True, Code.INVALID_PARAMS),
        ("POST", TUS | {"upload-length": "1", "upload-concat": "partial"}, True, Code.INVALID_PARAMS),
        ("POST", TUS | {"upload-length": "1", "upload-metadata": "name %%%"}, True, Code.INVALID_PARAMS),
        ("POST", TUS | {"upload-length": "1", "upload-metadata": "a YQ==,a YQ=="}, True, Code.INVALID_PARAMS),
        ("POST", TUS | {"upload-length": "1", "content-length": "5"}, True, Code.UNSUPPORTED_MEDIA_TYPE),
        (
            "POST",
            TUS | {"upload-length": "1", "content-length": "5", "content-type": CHUNK_TYPE},
            True,
            Code.INVALID_PARAMS,
        ),
        ("PATCH", TUS | {"upload-offset": "0"}, False, Code.UNSUPPORTED_MEDIA_TYPE),
        ("PATCH", TUS | {"content-type": CHUNK_TYPE}, False, Code.INVALID_PARAMS),
        (
            "PATCH",
            TUS | {"content-type": CHUNK_TYPE, "upload-offset": "0", "upload-checksum": "crc9 YQ=="},
            False,
            Code.INVALID_PARAMS,
        ),
        (
            "PATCH",
            TUS | {"content-type": CHUNK_TYPE, "upload-offset": "0", "upload-checksum": "sha1 YQ=="},
            False,
            Code.INVALID_PARAMS,
        ),
    ],
)
def test_malformed_requests_are_refused_by_name(
    method: str, headers: dict[str, Any], collection: bool, code: Code
) -> None:
    with pytest.raises(TrunklineError) as caught:
        parse_request(method, headers, collection=collection)
    assert caught.value.code is code


def test_well_formed_requests_are_understood() -> None:
    digest = hashlib.sha256(b"hello").digest()
    created = parse_request(
        "POST",
        TUS
        | {
            "upload-length": "10",
            "upload-metadata": f"filename {b64('画.png'.encode())},final",
            "content-type": CHUNK_TYPE,
            "content-length": "5",
            "upload-checksum": f"sha256 {b64(digest)}",
        },
        collection=True,
    )
    first = AppendChunk(0, 5, Checksum("sha256", digest))
    assert created == CreateUpload(10, {"filename": "画.png", "final": ""}, first)
    assert parse_request("HEAD", TUS, collection=False) == AskOffset()
    assert parse_request("DELETE", TUS, collection=False) == Terminate()
    assert effective_method("POST", {"x-http-method-override": "PATCH"}) == "PATCH"
    assert effective_method("GET", {"x-http-method-override": "DELETE"}) == "GET"


def test_answers_say_what_the_specification_asks_for() -> None:
    offered = capabilities(5)
    assert (offered["Tus-Version"], offered["Tus-Max-Size"]) == ("1.0.0", "5")
    assert offered["Tus-Checksum-Algorithm"].split(",")[0] == "sha1"
    assert described(3, 10, 1_800_000_000_999) == {
        "Tus-Resumable": "1.0.0",
        "Upload-Offset": "3",
        "Upload-Length": "10",
        "Cache-Control": "no-store",
        "Upload-Expires": "Fri, 15 Jan 2027 08:00:00 GMT",
    }
