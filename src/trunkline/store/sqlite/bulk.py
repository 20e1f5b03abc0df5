"""Writing many rows with few statements.

Python's sqlite3 drops and retakes the GIL at every step of a statement, and retaking it waits for a
busy event loop. One INSERT with hundreds of rows is one step.
"""

from __future__ import annotations

from itertools import chain
from operator import itemgetter
from typing import Any

from trunkline.store.sqlite.connection import Database

_first = itemgetter(0)
_SIZES = (256, 64, 16, 4, 1)
"""Rows per statement; few sizes, so that all statements stay prepared."""


class Bulk:
    """Rows that wait to go into one table.

    Args:
        head: the statement up to and including VALUES.
        columns: number of values in a row.
        tail: what follows the values (ON CONFLICT ...).

    Rows are appended to ``values``, flat.
    """

    __slots__ = ("_columns", "_statements", "values")

    def __init__(self, head: str, columns: int, tail: str = "") -> None:
        self._columns = columns
        row = f"({','.join('?' * columns)})"
        self._statements = {size: f"{head} {','.join([row] * size)} {tail}" for size in _SIZES}
        self.values: list[Any] = []

    def write(self, db: Database, *, sort: bool = False) -> None:
        """Execute and forget the rows; sorted, when their order is not that of the table's key."""
        values = self.values
        if not values:
            return
        self.values = []
        if sort:
            one = iter(values)
            by_row: list[tuple[Any, ...]] = list(zip(*[one] * self._columns, strict=True))
            by_row.sort(key=_first)
            values = list(chain.from_iterable(by_row))
        position = 0
        left = len(values) // self._columns
        for size in _SIZES:
            while left >= size:
                end = position + size * self._columns
                db.execute(self._statements[size], values[position:end])
                position = end
                left -= size


def fetch_statements(head: str, tail: str, columns: int, sizes: tuple[int, ...] = (64, 8, 1)) -> dict[int, str]:
    """Statements that look up several keys at once, by number of keys, largest first."""
    row = f"({','.join('?' * columns)})"
    return {size: f"{head} {','.join([row] * size)} {tail}" for size in sizes}
