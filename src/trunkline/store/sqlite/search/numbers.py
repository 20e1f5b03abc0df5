"""Small numbers for apps, parties and conversations, given out once and cached.

Not here: what they are used for (``documents``, ``reader``).
"""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from trunkline.store.sqlite.connection import Database

MAX_CACHED = 200_000

_FIND = """
SELECT json_group_array(json_array(j.value, n.id)) FROM json_each(?) j CROSS JOIN name n ON n.text = j.value
"""
_ADD = "INSERT INTO name (id, text) SELECT json_extract(value, '$[1]'), json_extract(value, '$[0]') FROM json_each(?)"

_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(list[tuple[str, int]]).decode


def app_key(app: str) -> str:
    """The name of an app."""
    return app


def party_key(app: str, party: str) -> str:
    """The name of a party."""
    return f"{app}/{party}"


def conversation_key(app: str, conversation: str) -> str:
    """The name of a conversation."""
    return f"{app}:{conversation}"


def find_numbers(db: Database, names: Iterable[str]) -> dict[str, int]:
    """The numbers of those names that have one, in one step."""
    text = _encode(list(names)).decode()
    return dict(_decode(db.execute(_FIND, (text,)).fetchone()[0]))


class Numbers:
    """The writer's view: unknown names get the next number."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self._cache: dict[str, int] = {}

    def forget(self) -> None:
        """Drop what is cached: a transaction was undone."""
        self._cache.clear()

    def of(self, names: Iterable[str]) -> dict[str, int]:
        """The numbers of all these names, given out where there was none; a cache to read from."""
        cache = self._cache
        missing = [name for name in dict.fromkeys(names) if name not in cache]
        if missing:
            if len(cache) > MAX_CACHED:
                wanted = {name: cache[name] for name in names if name in cache}
                cache.clear()
                cache |= wanted
            cache |= find_numbers(self._db, missing)
            new = [name for name in missing if name not in cache]
            if new:
                first = 1 + int(self._db.execute("SELECT coalesce(max(id), 0) FROM name").fetchone()[0])
                added = {name: number for number, name in enumerate(new, first)}
                self._db.execute(_ADD, (_encode(list(added.items())).decode(),))
                cache |= added
        return cache
