"""How text becomes atoms, and atoms become the terms of an index.

An *atom* is the least thing one can search for: a word, one character of a script written without spaces
(Chinese, Japanese, Korean, Thai...), or one symbol such as an emoji. Words are folded: case, width, compatibility
forms and the accents of European scripts do not matter.

The index holds words, single characters and pairs of neighbouring characters (decision 0008), so that a
query of two Chinese characters is one look-up. It knows no positions: what it finds is a candidate, and
``match`` decides on the text itself. Index and query use this one module, so they cannot disagree.

Not here: the syntax of queries (``query``).
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache
from typing import NamedTuple

MAX_TERM = 64
"""Longer words are found by their beginning; the match looks at all of them."""

MARK = "\ue000"
"""Begins terms that are not text (an app, a conversation, a sender, a type): no word contains this character."""

_UNSPACED = (
    "\u0e00-\u0eff\u1000-\u109f\u1100-\u11ff\u1780-\u17ff\u2e80-\u2fdf\u3005-\u3007\u3021-\u302f\u3031-\u3035\u3038-\u303c"
    "\u3041-\u3096\u3099\u309a\u309d-\u309f\u30a1-\u30fa\u30fc-\u30ff\u3105-\u312f\u3131-\u318e\u31a0-\u31bf\u31f0-\u31ff"
    "\u3400-\u4dbf\u4e00-\u9fff\ua960-\ua97f\uac00-\ud7ff\uf900-\ufaff\uff66-\uff9f\uffa1-\uffdc"
    "\U00020000-\U0003ffff"
)
_MARKS = (
    "\u0300-\u036f\u0483-\u0487\u0591-\u05bd\u05bf\u05c1\u05c2\u05c4\u05c5\u05c7\u0610-\u061a\u064b-\u065f\u0670"
    "\u06d6-\u06dc\u06df-\u06e4\u06e7\u06e8\u06ea-\u06ed\u0711\u0730-\u074a\u0900-\u0963\u0966-\u0dff\u1ab0-\u1aff"
    "\u1dc0-\u1dff\u20d0-\u20f0\u200c\u200d"
)
_SYMBOLS = "\u2190-\u2bff\U0001f000-\U0001faff"
_RUN = re.compile(f"([{_UNSPACED}]+)|([{_SYMBOLS}])|[^\\W_{_UNSPACED}](?:[^\\W_{_UNSPACED}]|[{_MARKS}])*")
_ASCII_WORD = re.compile("[a-z0-9]+")
_NOT_A_TERM = re.compile("[\x00-/:-`{-\x7f]+")
"""ASCII that the index's tokenizer would split at; compatibility forms such as ⑴ bring it in."""
_ACCENTED_UP_TO = 0x530
"""Scripts whose accents are folded: Latin, Greek, Cyrillic. Elsewhere marks tell words apart."""


class Atom(NamedTuple):
    """One searchable thing in a text: its folded form, where it stands, and in which run of neighbours (0: none)."""

    folded: str
    start: int
    end: int
    run: int = 0


@lru_cache(maxsize=65_536)
def fold(word: str) -> str:
    """A word as it is compared: without case, width, compatibility forms and European accents."""
    folded = unicodedata.normalize("NFKC", word).casefold()
    if folded.isascii():
        return _NOT_A_TERM.sub("", folded)
    base = ""
    kept = []
    for character in unicodedata.normalize("NFD", folded):
        if unicodedata.combining(character) == 0:
            base = character
        elif base and ord(base) < _ACCENTED_UP_TO:
            continue
        kept.append(character)
    return _NOT_A_TERM.sub("", unicodedata.normalize("NFC", "".join(kept)))


def atoms_of(text: str) -> list[Atom]:
    """All atoms of a text, in order, with their places in it (code points)."""
    if text.isascii():
        return [Atom(found[0], found.start(), found.end()) for found in _ASCII_WORD.finditer(text.lower())]
    atoms: list[Atom] = []
    run = 0
    for found in _RUN.finditer(text):
        if found[1] is not None:
            run += 1
            _characters(found[0], found.start(), run, atoms)
        elif found[2] is not None:
            atoms.append(Atom(found[0], found.start(), found.end()))
        else:
            folded = fold(found[0])
            if folded:
                atoms.append(Atom(folded, found.start(), found.end()))
    return atoms


def _characters(run: str, start: int, number: int, atoms: list[Atom]) -> None:
    """One atom for each character; those that normalisation joins (half-width kana, jamo) share their place."""
    if unicodedata.is_normalized("NFKC", run):
        atoms += [Atom(c, i, i + 1, number) for i, c in enumerate(run.casefold(), start)]
        return
    first = 0
    for index in range(1, len(run) + 1):
        if index < len(run) and _joins(run[first:index], run[index]):
            continue
        cluster = unicodedata.normalize("NFKC", run[first:index]).casefold()
        atoms += [Atom(c, start + first, start + index, number) for c in cluster if not c.isspace()]
        first = index


def _joins(before: str, character: str) -> bool:
    """Whether a character melts into what stands before it."""
    together = unicodedata.normalize("NFKC", before + character)
    return len(together) < len(unicodedata.normalize("NFKC", before)) + len(unicodedata.normalize("NFKC", character))


def index_terms(text: str) -> str:
    """The terms of a text, each once, as the space-separated string that the index takes."""
    if text.isascii():
        return " ".join(dict.fromkeys(word[:MAX_TERM] for word in _ASCII_WORD.findall(text.lower())))
    terms: dict[str, None] = {}
    before = Atom("", 0, 0)
    for atom in atoms_of(text):
        terms[atom.folded[:MAX_TERM]] = None
        if atom.run and atom.run == before.run:
            terms[before.folded + atom.folded] = None
        before = atom
    return " ".join(terms)


def marker(kind: str, value: str | int) -> str:
    """A term that no text contains; ``kind`` is one letter, ``value`` letters and digits."""
    return f"{MARK}{kind}{value}"
