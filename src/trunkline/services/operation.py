"""What an edge needs to offer a use case: one description for the link, REST and its OpenAPI document.

Every feature folder has ``operations.py`` that lists its operations; ``services.catalogue`` joins them.
An edge decodes ``request``, calls ``run``, and holds the result back until ``Gate.settled`` says that
everything the result could have seen is on disk (decision 0003).
"""

from __future__ import annotations

import enum
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Protocol

import msgspec

from trunkline.domain.identity import Caller


class Audience(enum.Enum):
    """Who may call an operation at all; finer rules live in the domain."""

    EVERYONE = "everyone"
    """Clients, guests included, and app servers."""
    PARTIES = "parties"
    """Clients other than guests, and app servers."""
    SERVERS = "servers"
    """App servers (API key and secret) only."""
    OPERATOR = "operator"
    """Whoever runs the deployment (admin token) only."""


@dataclass(frozen=True, slots=True)
class Operation:
    """A use case as the edges see it.

    Attributes:
        name: method name on the link, operationId in OpenAPI.
        request: Struct of the parameters.
        result: Struct of the answer.
        run: does it. Raises ``TrunklineError``. When it returns, its effects are *pending*: visible to
            nobody until the gate settles.
        scope: API-key scope an app server needs.
        audience: who may call.
        summary: one line for the documentation.
        writes: False for pure reads (GET in REST).
        run_now: does it without awaiting when all it needs is in memory, and answers None when ``run`` has to; for
            what a connection asks hundreds of times a second.
    """

    name: str
    request: type[msgspec.Struct]
    result: type[msgspec.Struct]
    run: Callable[[Caller, Any], Awaitable[Any]]
    scope: str
    summary: str
    audience: Audience = Audience.PARTIES
    writes: bool = True
    run_now: Callable[[Caller, Any], Any] | None = None


class Gate(Protocol):
    """Holds results back until what they saw is durable."""

    async def settled(self) -> None:
        """Return once every record pending now is on disk.

        Raises:
            TrunklineError: it could not be written (4xxx: certainly not applied; 5002: unknown).
        """
        ...
