"""Which libraries inspections need. The server asks here, and imports none of them: only the worker does."""

from __future__ import annotations

import importlib.util

LIBRARIES = {"puremagic": "puremagic", "PIL": "Pillow", "blurhash": "blurhash", "av": "av"}
"""Modules an inspection needs, and what they are called where one installs them."""


def missing_libraries() -> list[str]:
    """What has to be installed."""
    return [name for module, name in LIBRARIES.items() if importlib.util.find_spec(module) is None]
