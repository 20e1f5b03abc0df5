"""How text becomes terms, what queries mean, and where they match."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from trunkline.base.errors import Code, TrunklineError
from trunkline.domain.search import index_terms, marker, matches, parse_query
from trunkline.domain.search.query import MAX_QUERY, MAX_TERMS, MAX_UNITS
from trunkline.domain.search.terms import atoms_of


def found(query: str, text: str) -> list[str] | None:
    """The highlighted parts, or None."""
    spans = matches(parse_query(query), text)
    return None if spans is None else [text[start:end] for start, end in spans]


@pytest.mark.parametrize(
    ("query", "text", "parts"),
    [
        ("hello", "Hello, hello world", ["Hello", "hello"]),
        ("world hello", "Hello, world", ["Hello", "world"]),
        ("hell", "Hello", None),
        ("hell*", "Hello shell", ["Hello"]),
        ('"hello world"', "hello, world", ["hello, world"]),
        ('"hello world"', "hello big world", None),
        ('"world hello"', "hello world", None),
        ("hello -world", "hello world", None),
        ("hello -world", "hello there", ["hello"]),
        ('hello -"big world"', "hello world, big", ["hello"]),
        ("hello -wor*", "hello world", None),
        ("cafe", "Ein Café!", ["Café"]),
        ("CAFÉ", "ein cafe", ["cafe"]),
        ("strasse", "Die Straße", ["Straße"]),
        ("ａｂｃ", "ABC", ["ABC"]),
        ("abc", "ＡＢＣ", ["ＡＢＣ"]),
        ("москва", "Я в Москва", ["Москва"]),
        ("e-mail", "send an e mail", ["e mail"]),
        ("e-mail", "mail e", None),
        ("a.b@c.org", "write to A.B@C.org now", ["A.B@C.org"]),
        ("中国", "我在中国工作", ["中国"]),
        ("中国", "中，国", None),
        ("中国", "国中", None),
        ("中国人", "中国和国人", None),
        ("中国人", "他是中国人。", ["中国人"]),
        ("国", "他是中国人", ["国"]),
        ("人", "他是中国人", ["人"]),
        ("中国 工作", "我在中国工作", ["中国", "工作"]),
        ('"中 国"', "中，国", ["中，国"]),
        ("工作*", "工作室", ["工作"]),
        ("iphone手机", "新iPhone手机", ["iPhone手机"]),
        ("iphone手机", "新 iPhone 手机", ["iPhone 手机"]),
        ("東京", "東京タワー", ["東京"]),
        ("タワー", "東京タワー", ["タワー"]),
        ("タワー", "東京ﾀﾜｰ", ["ﾀﾜｰ"]),
        ("ガス", "ｶﾞｽ代", ["ｶﾞｽ"]),
        ("서울", "서울에서", ["서울"]),
        ("สวัสดี", "สวัสดีครับ", ["สวัสดี"]),
        ("हिन्दी", "मैं हिन्दी बोलता", ["हिन्दी"]),
        ("🎉", "done 🎉🎉", ["🎉", "🎉"]),
        ("3", "3.14 and 13", ["3"]),
    ],
)
def test_what_matches_and_where(query: str, text: str, parts: list[str] | None) -> None:
    assert found(query, text) == parts


@pytest.mark.parametrize(
    ("query", "part"),
    [
        ("", "at least one"),
        ("   ", "at least one"),
        ("...", "at least one"),
        ("-nothing", "at least one"),
        ('"open', "not closed"),
        ('"a phrase"*', "phrase"),
        ("a*", "letters before"),
        ("*", "beginning of a word"),
        ("a*b", "at the end"),
        ("x" * (MAX_QUERY + 1), "characters"),
        (" ".join("abcdefghijklmnopq"[: MAX_UNITS + 1]), "words and phrases"),
        ("".join(chr(0x4E00 + i) for i in range(MAX_TERMS + 2)), "parts"),
    ],
)
def test_bad_queries_have_one_code_and_say_what_to_change(query: str, part: str) -> None:
    with pytest.raises(TrunklineError) as caught:
        parse_query(query)
    assert caught.value.code is Code.INVALID_QUERY
    assert part in caught.value.detail
    assert caught.value.field == "text"


def test_words_that_databases_know_are_words_here() -> None:
    assert found("NOT near", "near NOT AND") == ["near", "NOT"]
    assert found("text:hello", "text hello") == ["text hello"]
    assert found("(hello)", "hello") == ["hello"]


def test_no_text_can_forge_a_marker() -> None:
    mark = marker("c", 12)
    assert mark not in index_terms(f"{mark} x{mark}").split()
    assert index_terms(f"a {mark} b") == "a c12 b"
    with pytest.raises(TrunklineError):
        parse_query("\ue000")


TEXT = st.one_of(
    st.text(max_size=40),
    st.text(alphabet="ab é中国人ガｶﾞ각🎉①⑴½ßﬁ-.'\u0301\u3099\u1100\u1161\u0e31\ue000\x00", max_size=20),
)


@given(TEXT)
@example("⑴")
@example("中\u3099国")
def test_index_terms_are_safe_for_a_tokenizer_that_splits_at_ascii_punctuation(text: str) -> None:
    for term in index_terms(text).split(" ") if index_terms(text) else []:
        assert term
        assert all(ord(character) >= 0x80 or character.isalnum() for character in term), repr(term)


@given(TEXT, st.data())
def test_a_piece_of_a_text_finds_it_and_the_index_would_propose_it(text: str, data: st.DataObject) -> None:
    atoms = atoms_of(text)
    if not atoms:
        return
    first = data.draw(st.integers(0, len(atoms) - 1))
    last = data.draw(st.integers(first, min(first + 6, len(atoms) - 1)))
    piece = text[atoms[first].start : atoms[last].end].replace('"', " ")
    try:
        query = parse_query(f'"{piece}"')
    except TrunklineError:
        return
    if [atom.folded for atom in atoms_of(piece)] != [atom.folded for atom in atoms[first : last + 1]]:
        return  # a cluster cut in two
    spans = matches(query, text)
    assert spans is not None
    assert all(0 <= start < end <= len(text) for start, end in spans)
    assert all(one[1] <= other[0] for one, other in itertools.pairwise(spans))
    proposed = set(index_terms(text).split(" "))
    for term in query.candidate_terms():
        assert term.text in proposed or (term.prefix and any(other.startswith(term.text) for other in proposed))


@given(TEXT, TEXT)
def test_whatever_matches_is_proposed_by_the_index(text: str, query: str) -> None:
    try:
        parsed = parse_query(query)
    except TrunklineError:
        return
    if matches(parsed, text) is None:
        return
    proposed = set(index_terms(text).split(" "))
    for term in parsed.candidate_terms():
        assert term.text in proposed or (term.prefix and any(other.startswith(term.text) for other in proposed))
