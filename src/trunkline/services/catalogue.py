"""All operations by name: what the edges offer."""

from __future__ import annotations

from collections.abc import Iterable

from trunkline.services.operation import Operation


def catalogue(*features: Iterable[Operation]) -> dict[str, Operation]:
    """Join the operations of features.

    Raises:
        ValueError: two features claim one name.
    """
    found: dict[str, Operation] = {}
    for feature in features:
        for operation in feature:
            if operation.name in found:
                raise ValueError(f"two operations are called {operation.name}")
            found[operation.name] = operation
    return found
