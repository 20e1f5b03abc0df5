"""Who calls, for routes that are no operations: the same checks in the same order."""

from __future__ import annotations

from starlette.requests import Request

from trunkline.base.errors import Code, TrunklineError
from trunkline.domain.identity import Caller
from trunkline.edges.http.credentials import caller_of
from trunkline.edges.http.deps import HttpDeps
from trunkline.edges.http.rate_limits import Allowance
from trunkline.services.files.operations import SCOPE


async def admitted(request: Request, deps: HttpDeps, headers: dict[str, str]) -> Caller:
    """The caller of a request with credentials; ``headers`` get what it has left.

    Raises:
        TrunklineError: 2xxx, or ``RATE_LIMITED``.
    """
    caller = await caller_of(request, deps.authenticator, operator=False)
    allowance = Allowance(deps.rates, caller, deps.clock.monotonic_s())
    allowance.describe(headers)
    allowance.check()
    if caller.server and SCOPE not in caller.scopes:
        raise TrunklineError(Code.SCOPE_MISSING, f"Files need an API key with the scope '{SCOPE}'.")
    return caller
