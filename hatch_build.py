"""Builds the native link path (decision 0010) and the media kernel (0019) at installation; without gcc they are left
out, with a warning.

Run by itself, ``python hatch_build.py [gcc flags]`` builds them in place.
"""

from __future__ import annotations

import subprocess
import sys
import sysconfig
from pathlib import Path
from typing import Any

try:
    from hatchling.builders.hooks.plugin.interface import BuildHookInterface
except ImportError:  # run by itself
    BuildHookInterface = object

EXTENSIONS = {"src/trunkline/edges/link/native": "_link", "src/trunkline/media/kernel": "_kernel"}
"""The folder of each, with all of its sources, and what the module is called."""
FLAGS = ["-O2", "-g1", "-std=gnu11", "-Wall", "-Wextra", "-Wno-cast-function-type", "-fPIC", "-fvisibility=hidden"]


def build(root: Path, *more: str) -> str:
    """Compile the extensions into their packages; the reason when that was not possible, else an empty string."""
    if sys.platform != "linux" or sys.implementation.name != "cpython":
        return "it is for CPython on Linux"
    reasons = [_build_one(root / folder, name, *more) for folder, name in EXTENSIONS.items()]
    return next((reason for reason in reasons if reason), "")


def _build_one(directory: Path, name: str, *more: str) -> str:
    target = directory / f"{name}{sysconfig.get_config_var('EXT_SUFFIX')}"
    fresh = target.with_suffix(".building")
    include = f"-I{sysconfig.get_path('include')}"
    sources = sorted(map(str, directory.glob("*.c")))
    command = ["gcc", *FLAGS, *more, include, "-shared", "-pthread", "-o", str(fresh), *sources, "-ldl", "-lm"]
    target.unlink(missing_ok=True)
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - our own words
    except OSError as error:
        return f"gcc cannot be run ({error})"
    if done.returncode:
        fresh.unlink(missing_ok=True)
        return f"gcc failed:\n{done.stderr}"
    fresh.rename(target)  # a running server keeps the file it has mapped
    return ""


class CustomBuildHook(BuildHookInterface):  # type: ignore[misc]
    """Called by hatchling for wheels and editable installs."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Build; a wheel with the extension is for one platform."""
        why_not = build(Path(self.root))
        if why_not:
            self.app.display_warning(f"trunkline: the native parts are left out: {why_not}")
        elif version == "standard":
            build_data["pure_python"] = False
            build_data["infer_tag"] = True


if __name__ == "__main__":
    sys.exit(build(Path(__file__).parent, *sys.argv[1:]) or 0)
