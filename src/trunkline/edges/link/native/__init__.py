"""The native link path: C for what a plain text send needs, built when the package is installed.

``MODULE`` is the extension, or None where it was not built or ``TRUNKLINE_NATIVE=0`` says not to use it; then
everything goes the Python way, which does the same (decision 0010). Not here: connecting it (``edges.link.front``).
"""

from __future__ import annotations

import importlib
import os
from typing import Any

SWITCH = "TRUNKLINE_NATIVE"


def _load() -> tuple[Any, str]:
    if os.environ.get(SWITCH, "1") == "0":
        return None, f"{SWITCH}=0"
    try:
        return importlib.import_module("trunkline.edges.link.native._link"), ""
    except ImportError as error:
        return None, str(error)


MODULE, WHY_NOT = _load()
