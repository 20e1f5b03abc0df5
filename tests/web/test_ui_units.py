"""The components' own tests and types, in Node."""

from __future__ import annotations

import subprocess

import pytest

from tests.web.conftest import ROOT

pytestmark = [pytest.mark.timeout(180), pytest.mark.paired]


def run(*command: str) -> None:
    """Run a command in the web workspace; it must succeed."""
    done = subprocess.run(
        ["npx", "--no-install", *command], cwd=ROOT / "web/packages/ui", capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]


def test_the_rules_of_the_components_hold() -> None:
    run("vitest", "run", "--reporter=dot")


def test_the_types_of_the_components_are_strict_and_hold() -> None:
    run("tsc", "-p", "tsconfig.check.json")
