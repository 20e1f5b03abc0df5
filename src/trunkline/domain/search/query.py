"""The query language: words, "phrases", prefix*, -not. All of them must hold; nothing else has a meaning.

A word with punctuation in it (``e-mail``, ``a.b``) is the phrase of its parts, and so is a run of Chinese
characters. Every query that can be parsed is safe: no operator reaches the database.

Not here: how a query is put to an index (``candidate_terms`` says which terms a text must have at least).
"""

from __future__ import annotations

import itertools
import re
from typing import NamedTuple

from trunkline.base.errors import Code, TrunklineError
from trunkline.domain.search.terms import MAX_TERM, atoms_of

MAX_QUERY = 256
MAX_UNITS = 16
MAX_TERMS = 48
MIN_PREFIX = 2
"""Fewer letters than this before a ``*`` would match too much to be of use."""

_PIECE = re.compile(r'(-?)"([^"]*)("?)(\*?)|(-?)([^\s"]+)')


class Unit(NamedTuple):
    """Atoms that stand one behind the other.

    Attributes:
        atoms: folded.
        joined: for each atom, whether it must touch the one before it (neighbours of a run without spaces).
        prefix: the last atom may go on.
        negated: the text must not have it.
    """

    atoms: tuple[str, ...]
    joined: tuple[bool, ...]
    prefix: bool
    negated: bool


class Term(NamedTuple):
    """A term that the index must have for a text; ``prefix``: or one that begins so."""

    text: str
    prefix: bool


class Query(NamedTuple):
    """A parsed query: all units hold."""

    units: tuple[Unit, ...]

    def candidate_terms(self) -> list[Term]:
        """Terms that every matching text has; texts that have them may still not match.

        Raises:
            TrunklineError: ``INVALID_QUERY``: too many.
        """
        terms: dict[Term, None] = {}
        for unit in self.units:
            if not unit.negated:
                terms |= dict.fromkeys(_terms_of(unit))
        if len(terms) > MAX_TERMS:
            raise _bad(f"the query has more than {MAX_TERMS} parts; make it shorter")
        return list(terms)


def _terms_of(unit: Unit) -> list[Term]:
    atoms, joined = unit.atoms, unit.joined
    last = len(atoms) - 1
    terms: list[Term] = []
    for index, atom in enumerate(atoms):
        if index and joined[index]:
            terms.append(Term(atoms[index - 1] + atom, False))
        elif index == last or not joined[index + 1]:
            goes_on = unit.prefix and index == last and not joined[index]
            terms.append(Term(atom[:MAX_TERM], goes_on or len(atom) > MAX_TERM))
    return terms


def parse_query(text: str) -> Query:
    """Parse what a person typed.

    Raises:
        TrunklineError: ``INVALID_QUERY``, saying what to change.
    """
    if len(text) > MAX_QUERY:
        raise _bad(f"a query has at most {MAX_QUERY} characters")
    units: list[Unit] = []
    for piece in _PIECE.finditer(text):
        unit = _unit(piece)
        if unit is not None:
            units.append(unit)
    if len(units) > MAX_UNITS:
        raise _bad(f"a query has at most {MAX_UNITS} words and phrases")
    if not any(not unit.negated for unit in units):
        raise _bad("name at least one word to look for")
    query = Query(tuple(units))
    query.candidate_terms()
    return query


def _unit(piece: re.Match[str]) -> Unit | None:
    minus, phrase, closed, star, word_minus, word = piece.groups()
    if phrase is not None:
        if not closed:
            raise _bad("a quotation mark is not closed")
        if star:
            raise _bad("a phrase cannot be a prefix; put the * behind a word")
        return _make(phrase, prefix=False, negated=bool(minus))
    bare = word.rstrip("*")
    if "*" in bare:
        raise _bad("a * is only possible at the end of a word")
    return _make(bare, prefix=bare != word, negated=bool(word_minus))


def _make(text: str, *, prefix: bool, negated: bool) -> Unit | None:
    """None for punctuation alone, which nobody can look for."""
    atoms = atoms_of(text)
    if not atoms:
        if prefix:
            raise _bad("a * needs the beginning of a word before it")
        return None
    last = atoms[-1]
    if prefix and not last.run and len(last.folded) < MIN_PREFIX:
        raise _bad(f"a * needs at least {MIN_PREFIX} letters before it")
    joined = (
        False,
        *(here.run != 0 and here.run == before.run for before, here in itertools.pairwise(atoms)),
    )
    # A character of a script without spaces is whole; whatever follows it follows anyway.
    return Unit(tuple(atom.folded for atom in atoms), joined, prefix and not last.run, negated)


def _bad(detail: str) -> TrunklineError:
    return TrunklineError(Code.INVALID_QUERY, detail, field="text")
