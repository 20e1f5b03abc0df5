"""Attributes of a room: small key-value pairs that every member sees, with compare-and-set by version.

A kept attribute is in the room's log. One with ``auto_delete`` belongs to its owner's stay: it is in memory only and
goes when the owner leaves. Versions follow the clock and strictly grow, also across restarts, so a stale
compare-and-set can never succeed by accident.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from trunkline.base.errors import Code, TrunklineError
from trunkline.domain.rooms.book import ATTRIBUTES

MAX_KEYS = 100
MAX_TOTAL_BYTES = 131_072
OPERATIONS_PER_S = 100


class Attribute(NamedTuple):
    """One attribute."""

    key: str
    value: str
    version: int
    owner: str
    auto_delete: bool = False


class Attributes:
    """The attributes of one live room: the kept ones are in ``settings``, the others here."""

    def __init__(self) -> None:
        self._transient: dict[str, Attribute] = {}
        self._last_version = 0

    def get(self, settings: dict[str, Any], key: str) -> Attribute | None:
        """One attribute."""
        found = self._transient.get(key)
        if found is not None:
            return found
        kept = settings.get(ATTRIBUTES, {}).get(key)
        return Attribute(key, *kept) if kept is not None else None

    def all(self, settings: dict[str, Any]) -> list[Attribute]:
        """Every attribute, by key."""
        found = [Attribute(key, *kept) for key, kept in settings.get(ATTRIBUTES, {}).items()]
        return sorted([*found, *self._transient.values()])

    def check_set(
        self,
        settings: dict[str, Any],
        wanted: Attribute,
        expected: int | None,
        *,
        may_overwrite: bool,
    ) -> None:
        """Refuse a change that may not be made. ``wanted.version`` is not looked at.

        Args:
            settings: the room's.
            wanted: what to set.
            expected: the version it must have; 0 = it must not exist; None = whatever it has.
            may_overwrite: whether the caller may change what others own.

        Raises:
            TrunklineError: ``VERSION_CONFLICT``, ``FORBIDDEN`` or ``LIMIT_EXCEEDED``.
        """
        before = self.get(settings, wanted.key)
        self._check_before(before, wanted.key, wanted.owner, expected, may_overwrite)
        if before is not None and before.auto_delete != wanted.auto_delete:
            raise TrunklineError(
                Code.INVALID_PARAMS, "an attribute stays kept or auto-deleted: delete it first", field="auto_delete"
            )
        everything = self.all(settings)
        if before is None and len(everything) >= MAX_KEYS:
            raise TrunklineError(Code.LIMIT_EXCEEDED, f"a room has at most {MAX_KEYS} attributes", field="key")
        total = sum(len(a.key.encode()) + len(a.value.encode()) for a in everything if a.key != wanted.key)
        if total + len(wanted.key.encode()) + len(wanted.value.encode()) > MAX_TOTAL_BYTES:
            raise TrunklineError(
                Code.LIMIT_EXCEEDED, f"a room's attributes have at most {MAX_TOTAL_BYTES} bytes", field="value"
            )

    def check_delete(
        self, settings: dict[str, Any], key: str, by: str, expected: int | None, *, may_overwrite: bool
    ) -> Attribute:
        """The attribute to delete, if that may be.

        Raises:
            TrunklineError: ``NOT_FOUND``, ``VERSION_CONFLICT`` or ``FORBIDDEN``.
        """
        before = self.get(settings, key)
        if before is None:
            raise TrunklineError(Code.NOT_FOUND, f"there is no attribute {key!r}", field="key")
        self._check_before(before, key, by, expected, may_overwrite)
        return before

    def next_version(self, settings: dict[str, Any], now_ms: int) -> int:
        """A version above all that were given out."""
        newest = max((a.version for a in self.all(settings)), default=0)
        self._last_version = max(self._last_version + 1, newest + 1, now_ms)
        return self._last_version

    def put(self, attribute: Attribute) -> None:
        """Set one that ends with its owner's stay."""
        self._transient[attribute.key] = attribute

    def remove(self, key: str) -> None:
        """Remove one that is not kept."""
        self._transient.pop(key, None)

    def left(self, party: str) -> list[str]:
        """A party left: its keys that go with it, removed."""
        keys = [key for key, attribute in self._transient.items() if attribute.owner == party]
        for key in keys:
            del self._transient[key]
        return keys

    @staticmethod
    def _check_before(before: Attribute | None, key: str, by: str, expected: int | None, may_overwrite: bool) -> None:
        version = before.version if before is not None else 0
        if expected is not None and expected != version:
            raise TrunklineError(
                Code.VERSION_CONFLICT, f"{key!r} has version {version}, not {expected}", field="version"
            )
        if before is not None and before.owner != by and not may_overwrite:
            raise TrunklineError(Code.FORBIDDEN, f"{key!r} belongs to {before.owner}", field="key")
