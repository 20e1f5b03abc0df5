"""Whether and where a query matches a text. The index only proposes; this decides.

Not here: what a caller may see (``domain.conversation``).
"""

from __future__ import annotations

from trunkline.domain.search.query import Query, Unit
from trunkline.domain.search.terms import Atom, atoms_of

MAX_HIGHLIGHTS = 64
Span = tuple[int, int]


def matches(query: Query, text: str) -> list[Span] | None:
    """Where the query's words stand in the text, as [start, end) in code points; None when it does not match.

    Spans are ascending and do not overlap; at most ``MAX_HIGHLIGHTS`` of them.
    """
    atoms = atoms_of(text)
    places: dict[str, list[int]] = {}
    for index, atom in enumerate(atoms):
        places.setdefault(atom.folded, []).append(index)
    spans: list[Span] = []
    for unit in query.units:
        found = _find(unit, atoms, places)
        if unit.negated:
            if found:
                return None
        elif not found:
            return None
        else:
            spans += found
    return _merged(spans)


def satisfied(query: Query, text: str) -> bool:
    """Whether the text matches."""
    return matches(query, text) is not None


def _find(unit: Unit, atoms: list[Atom], places: dict[str, list[int]]) -> list[Span]:
    """Every place of a unit."""
    size = len(unit.atoms)
    first = unit.atoms[0]
    if size == 1 and unit.prefix:
        return [(atom.start, atom.end) for atom in atoms if atom.folded.startswith(first)]
    return [
        (atoms[at].start, atoms[at + size - 1].end)
        for at in places.get(first, ())
        if at + size <= len(atoms) and _stands_at(unit, atoms, at)
    ]


def _stands_at(unit: Unit, atoms: list[Atom], at: int) -> bool:
    last = len(unit.atoms) - 1
    for offset in range(1, last + 1):
        atom = atoms[at + offset]
        wanted = unit.atoms[offset]
        if atom.folded != wanted and not (unit.prefix and offset == last and atom.folded.startswith(wanted)):
            return False
        if unit.joined[offset] and (not atom.run or atom.run != atoms[at + offset - 1].run):
            return False
    return True


def _merged(spans: list[Span]) -> list[Span]:
    merged: list[Span] = []
    for start, end in sorted(spans):
        if merged and start < merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((start, end))
    return merged[:MAX_HIGHLIGHTS]
