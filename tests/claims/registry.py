"""Which scenarios there are.

The list of what must exist is written down here, and not derived from the files, so that a missing scenario shows.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Awaitable, Callable

from tests.claims import scenarios
from tests.claims.context import Context
from tests.claims.report import ScenarioReport

Scenario = Callable[[Context], Awaitable[ScenarioReport]]

REQUIRED = ("R1", "R2", "R3", "R4", "R5", "R6", "R8", "R9", "R10", "R11", "R12", "R13", "R14", "R15", "R18", "R19",
            "R20", "R21", "R26", "R27", "R28", "R29")  # fmt: skip


def found() -> dict[str, Scenario]:
    """Return the scenarios by name (`R2`), in order."""
    modules = {}
    for info in pkgutil.iter_modules(scenarios.__path__):
        name = info.name.split("_")[0]
        if name[0] == "r" and name[1:].isdigit():
            modules[f"R{int(name[1:])}"] = importlib.import_module(f"{scenarios.__name__}.{info.name}")
    return {name: modules[name].run for name in sorted(modules, key=lambda name: int(name[1:]))}
