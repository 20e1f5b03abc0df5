"""Ratios, flags and the report: a reader must be able to trust and to find them."""

from __future__ import annotations

import base64
import json

import jwt
import pytest

from bench import report
from bench.linkclient import mint_token
from bench.loadgen import Load
from bench.results import Section, Table, Verdict, ratio_verdict, ratios, spread

QUIET = {"generator_cpu_pct": 50.0, "generator_core_other_pct": 0.0, "server_core_other_pct": 0.0, "stolen_pct": 0.0}


def test_ratios_are_formed_round_by_round() -> None:
    assert ratios([100.0, 50.0], [50.0, 25.0]) == [2.0, 2.0]
    assert ratios([], [50.0]) == []


@pytest.mark.parametrize(("found", "met"), [([1.1, 1.3, 1.2], True), ([1.0, 1.19, 1.4], False), ([], None)])
def test_a_verdict_uses_the_median(found: list[float], met: bool | None) -> None:
    assert ratio_verdict("x", found, 1.2).met is met


def test_spread_shows_the_range_of_rounds() -> None:
    assert spread([3000.0, 1000.0, 2000.0]) == "2,000 (1,000-3,000)"
    assert spread([1.234], 2) == "1.23"


def test_a_quiet_row_has_no_flags() -> None:
    assert Load(QUIET).flags == []


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        ({"generator_cpu_pct": 90.0}, "generator limit: lower bound"),
        ({"server_core_other_pct": 20.0}, "disturbed"),
        ({"generator_core_other_pct": 20.0}, "disturbed"),
        ({"stolen_pct": 20.0}, "disturbed"),
        ({"missing": 1}, "missing: 1"),
        ({"repeated": 2}, "repeated: 2"),
        ({"refused": 3}, "refused: 3"),
        ({"overrun": 4}, "overrun: 4"),
        ({"unfinished": 5}, "unfinished: 5"),
    ],
)
def test_what_a_reader_must_know_is_flagged(changed: dict[str, float], says: str) -> None:
    (flag,) = Load({**QUIET, **changed}).flags
    assert says in flag


def test_the_report_names_machine_verdicts_and_what_is_missing() -> None:
    section = Section(
        "a", "A title", "How.", [Table(["one", "two"], [["1", "x|y"]])], [Verdict("goal", "0.5 x", False)]
    )
    text = report.render([section], {"commit": "abc123"}, {"memory": "FAILED: no"}, quick=True)
    assert "| goal | 0.5 x | **missed** | - |" in text
    assert "abc123" in text
    assert "x\\|y" in text
    assert "memory: FAILED: no" in text
    assert "quick run" in text
    assert "quick run" not in report.render([section], {}, {}, quick=False)


def test_tokens_are_what_an_app_server_would_mint() -> None:
    token = mint_token("key-1", "secret-of-at-least-thirty-two-bytes!", "user/u1")
    claims = jwt.decode(token, "secret-of-at-least-thirty-two-bytes!", algorithms=["HS256"])
    assert (claims["iss"], claims["sub"], claims["grants"]) == ("key-1", "user/u1", {"im": {}})
    assert claims["exp"] - claims["iat"] == 86_400
    head = token.split(".")[0]
    assert json.loads(base64.urlsafe_b64decode(head + "=" * (-len(head) % 4)))["alg"] == "HS256"
