"""What a check found."""

from __future__ import annotations

from typing import Literal

import msgspec

Verdict = Literal["ok", "warning", "failure"]


class Finding(msgspec.Struct, frozen=True):
    """The result of one check.

    Attributes:
        check: its name.
        verdict: a failure means that the server would not start or could not keep its promises.
        found: what is the case.
        advice: what to do; empty when all is well.
    """

    check: str
    verdict: Verdict
    found: str
    advice: str = ""


def ok(check: str, found: str) -> Finding:
    """All is well."""
    return Finding(check, "ok", found)


def warning(check: str, found: str, advice: str) -> Finding:
    """It works, but could be better."""
    return Finding(check, "warning", found, advice)


def failure(check: str, found: str, advice: str) -> Finding:
    """It does not work."""
    return Finding(check, "failure", found, advice)
