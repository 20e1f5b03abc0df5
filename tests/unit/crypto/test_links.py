"""Signed links: every part counts, and they end."""

from __future__ import annotations

from urllib.parse import parse_qsl, urlsplit

import pytest

from trunkline.base.errors import Code, TrunklineError
from trunkline.crypto.links import LinkSigner, read_link

PATH = "/v1/files/f_1/content"
SIGNER = LinkSigner(b"m" * 32)


def query_of(link: str) -> dict[str, str]:
    return dict(parse_qsl(urlsplit(link).query))


def test_a_link_opens_its_path_until_it_ends() -> None:
    link = SIGNER.sign(PATH, "a_one", "user/ann", 1000)
    assert urlsplit(link).path == PATH
    SIGNER.check(PATH, read_link(query_of(link)), 999)
    with pytest.raises(TrunklineError) as caught:
        SIGNER.check(PATH, read_link(query_of(link)), 1000)
    assert caught.value.code is Code.LINK_EXPIRED


@pytest.mark.parametrize(
    "change", [{"app": "a_two"}, {"party": "user/bob"}, {"expires": "1001"}, {"signature": "A" * 43}]
)
def test_every_part_is_signed(change: dict[str, str]) -> None:
    query = query_of(SIGNER.sign(PATH, "a_one", "user/ann", 1000)) | change
    with pytest.raises(TrunklineError) as caught:
        SIGNER.check(PATH, read_link(query), 1)
    assert caught.value.code is Code.LINK_INVALID


def test_a_link_opens_no_other_path_and_another_master_key_opens_none() -> None:
    link = read_link(query_of(SIGNER.sign(PATH, "a_one", "user/ann", 1000)))
    for signer, path in ((SIGNER, "/v1/files/f_2/content"), (LinkSigner(b"n" * 32), PATH)):
        with pytest.raises(TrunklineError) as caught:
            signer.check(path, link, 1)
        assert caught.value.code is Code.LINK_INVALID


def test_parts_cannot_be_shifted_into_one_another() -> None:
    one = query_of(SIGNER.sign(PATH, "a_on", "euser/ann", 1000))["signature"]
    assert one != query_of(SIGNER.sign(PATH, "a_one", "user/ann", 1000))["signature"]


@pytest.mark.parametrize("expires", ["", "x", "-1", "1e9", "٣", "9" * 13])
def test_a_malformed_link_is_refused(expires: str) -> None:
    query = query_of(SIGNER.sign(PATH, "a_one", "user/ann", 1000)) | {"expires": expires}
    with pytest.raises(TrunklineError) as caught:
        read_link(query)
    assert caught.value.code is Code.LINK_INVALID
