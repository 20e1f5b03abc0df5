"""The media kernel: C for what every packet needs, built when the package is installed.

``MODULE`` is the extension, or None where it was not built, libcrypto is missing, or ``TRUNKLINE_NATIVE=0`` says not to
use it; then packets go the Python way, which does the same (decision 0019). Not here: using it (``media.sfu``).
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
        return importlib.import_module("trunkline.media.kernel._kernel"), ""
    except ImportError as error:
        return None, str(error)


MODULE, WHY_NOT = _load()
