"""The fuzz targets of the media kernel, a few inputs each with sanitizers (``make fuzz`` runs millions)."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]


@pytest.mark.slow
@pytest.mark.timeout(180)
@pytest.mark.skipif(shutil.which("gcc") is None, reason="there is no gcc")
def test_no_input_breaks_the_kernel() -> None:
    done = subprocess.run(["tools/fuzz_kernel.sh", "30000"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    targets = ["packet", "payload", "dependency", "srtp", "rewriting", "redundant", "feedback", "reports"]
    assert [line.split(":")[0] for line in done.stdout.splitlines()] == targets
