"""Names and media types: what is believed, and what is made harmless."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trunkline.base.errors import Code, TrunklineError
from trunkline.domain.files import media_types
from trunkline.domain.files.names import MAX_NAME_CHARS, check_file_id, clean_name, disposition


@pytest.mark.parametrize(
    ("given_name", "shown"),
    [
        ("holiday.jpg", "holiday.jpg"),
        ("../../etc/passwd", "passwd"),
        ("C:\\Users\\ann\\cv.pdf", "cv.pdf"),
        ("报告 2026.docx", "报告 2026.docx"),
        ("invoice\u202efdp.exe", "invoicefdp.exe"),
        ("a\r\nSet-Cookie: x", "aSet-Cookie: x"),
        ("..", "file"),
        ("", "file"),
        ("x" * 400 + ".tar", "x" * 251 + ".tar"),
    ],
)
def test_names_are_made_harmless(given_name: str, shown: str) -> None:
    assert clean_name(given_name) == shown


@given(st.text(max_size=600))
def test_any_name_becomes_one_that_is_safe_to_show_and_stays_itself(name: str) -> None:
    cleaned = clean_name(name)
    assert 0 < len(cleaned) <= MAX_NAME_CHARS
    assert not set(cleaned) & set("/\\\r\n\0")
    assert not any(unicodedata.category(char) in ("Cc", "Cf") for char in cleaned)
    assert disposition(cleaned, inline=False).isascii()
    assert "\n" not in disposition(cleaned, inline=True)


@pytest.mark.parametrize("text", ["", "f_", "f_" + "a" * 21, "f_" + "a" * 23, "g_" + "a" * 22, "f_" + "/" * 22])
def test_what_cannot_be_an_id_is_not_found(text: str) -> None:
    with pytest.raises(TrunklineError) as caught:
        check_file_id(text)
    assert caught.value.code is Code.NOT_FOUND


@pytest.mark.parametrize(
    ("text", "mime"),
    [("image/JPG", "image/jpeg"), ("text/plain; charset=utf-8", "text/plain"), ("", ""), ("audio/x-m4a", "audio/mp4")],
)
def test_types_have_one_name(text: str, mime: str) -> None:
    assert media_types.check_mime(text) == mime


@pytest.mark.parametrize("text", ["image", "image/", "/png", "image/p ng", "image/png\r\nx", "*/*", "ü/x"])
def test_what_is_no_media_type_is_refused(text: str) -> None:
    with pytest.raises(TrunklineError) as caught:
        media_types.check_mime(text)
    assert caught.value.code is Code.INVALID_PARAMS


@given(st.binary(max_size=200), st.sampled_from(["image/png", "video/mp4", "audio/ogg", "application/pdf"]))
def test_a_media_type_is_believed_only_with_its_signature(head: bytes, claimed: str) -> None:
    with pytest.raises(TrunklineError) as caught:
        media_types.settle(claimed, [], head)
    assert caught.value.code is Code.FILE_TYPE_MISMATCH


def test_what_a_browser_would_run_is_never_shown_inline() -> None:
    for mime in ("text/html", "image/svg+xml", "application/xhtml+xml", "application/pdf", "text/javascript"):
        assert mime not in media_types.INLINE
    assert media_types.kind_of("image/svg+xml") == "file"


@pytest.mark.parametrize(
    ("mime", "patterns", "is_accepted"),
    [
        ("image/png", ["image/*"], True),
        ("image/png", ["image/jpeg"], False),
        ("image/png", ["*/*"], True),
        ("image/png", [], False),
    ],
)
def test_patterns(mime: str, patterns: list[str], is_accepted: bool) -> None:
    assert media_types.accepted(mime, patterns) is is_accepted


@given(
    st.text(alphabet=st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=100), st.integers(0, 3)
)
def test_text_cut_within_a_character_is_still_text(text: str, cut: int) -> None:
    data = text.encode()
    assert media_types.is_text(data[: len(data) - cut] if cut else data)
