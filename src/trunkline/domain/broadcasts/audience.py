"""Audiences: expressions over tags, such as ``(vip OR staff) AND NOT muted``; ``*`` is everyone.

``parse`` refuses what cannot be understood and what is too large, so that evaluating one is always cheap. Not here:
which tags a party has when (the index keeps that).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable
from functools import lru_cache

from trunkline.base.errors import Code, TrunklineError

MAX_LENGTH = 1_024
MAX_TERMS = 64
MAX_DEPTH = 16
MAX_TAGS = 100
"""Tags of one party."""
MAX_TAG_LENGTH = 64
EVERYONE = "*"

Test = Callable[[Collection[str]], bool]
"""Whether somebody with these tags belongs to an audience."""

_TAG = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:\-]*")
_TOKEN = re.compile(r"\s*(?:(\()|(\))|(\*)|([A-Za-z0-9][A-Za-z0-9._:\-]*))")
_WORDS = frozenset({"AND", "OR", "NOT"})


def check_tags(tags: Iterable[str]) -> tuple[str, ...]:
    """Distinct tags in order, if they are well formed.

    Raises:
        TrunklineError: ``INVALID_TAG`` or ``LIMIT_EXCEEDED``.
    """
    found = sorted(dict.fromkeys(tags))
    for tag in found:
        if len(tag) > MAX_TAG_LENGTH or not _TAG.fullmatch(tag) or tag.upper() in _WORDS:
            raise TrunklineError(Code.INVALID_TAG, f"{tag!r} is not a tag", field="tags")
    if len(found) > MAX_TAGS:
        raise TrunklineError(Code.LIMIT_EXCEEDED, f"a party has at most {MAX_TAGS} tags", field="tags")
    return tuple(found)


@lru_cache(maxsize=4_096)
def parse(text: str) -> Test:
    """The test an audience stands for.

    Raises:
        TrunklineError: ``INVALID_AUDIENCE``; the detail says where.
    """
    if len(text) > MAX_LENGTH:
        raise _wrong(f"it has more than {MAX_LENGTH} characters")
    return _Parser(text).whole()


class _Parser:
    """Recursive descent: OR binds least, then AND, then NOT."""

    def __init__(self, text: str) -> None:
        self._tokens: list[str] = []
        self._depth = 0
        at = 0
        text = text.rstrip()
        while at < len(text):
            found = _TOKEN.match(text, at)
            if found is None:
                raise _wrong(f"nothing is known that begins with {text[at : at + 8].strip()!r}")
            self._tokens.append(found.group().strip())
            at = found.end()
        if len(self._tokens) > 4 * MAX_TERMS:
            raise _wrong("it is too long")
        self._at = 0
        self._terms = 0

    def whole(self) -> Test:
        test = self._either()
        if self._at < len(self._tokens):
            raise _wrong(f"{self._tokens[self._at]!r} is not expected there")
        return test

    def _next(self) -> str:
        return self._tokens[self._at] if self._at < len(self._tokens) else ""

    def _either(self) -> Test:
        tests = [self._both()]
        while self._next() == "OR":
            self._at += 1
            tests.append(self._both())
        return tests[0] if len(tests) == 1 else lambda tags: any(test(tags) for test in tests)

    def _both(self) -> Test:
        tests = [self._one()]
        while self._next() == "AND":
            self._at += 1
            tests.append(self._one())
        return tests[0] if len(tests) == 1 else lambda tags: all(test(tags) for test in tests)

    def _one(self) -> Test:
        token = self._next()
        self._at += 1
        if token == "NOT":
            with_it = self._deeper(self._one)
            return lambda tags: not with_it(tags)
        if token == "(":
            inner = self._deeper(self._either)
            if self._next() != ")":
                raise _wrong("a parenthesis is not closed")
            self._at += 1
            return inner
        if token in ("", ")", "AND", "OR"):
            raise _wrong(f"a tag is expected before {token!r}" if token else "a tag is expected at its end")
        self._terms += 1
        if self._terms > MAX_TERMS:
            raise _wrong(f"it names more than {MAX_TERMS} tags")
        if token == EVERYONE:
            return lambda tags: True
        if len(token) > MAX_TAG_LENGTH:
            raise _wrong(f"{token[:16]}... is no tag: it has more than {MAX_TAG_LENGTH} characters")
        return lambda tags: token in tags

    def _deeper(self, part: Callable[[], Test]) -> Test:
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise _wrong(f"it is nested more than {MAX_DEPTH} deep")
        test = part()
        self._depth -= 1
        return test


def _wrong(detail: str) -> TrunklineError:
    return TrunklineError(Code.INVALID_AUDIENCE, f"not an audience: {detail}", field="audience")
