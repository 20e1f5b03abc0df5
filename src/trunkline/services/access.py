"""Who may call an operation at all: the one check every edge makes before ``Operation.run``.

Lives here: audience and scope. Does not live here: authentication (it made the ``Caller``), nor any
rule that depends on what is asked for (those are in the domain).
"""

from __future__ import annotations

from trunkline.base.errors import Code, TrunklineError
from trunkline.domain.identity import Caller
from trunkline.services.operation import Audience, Operation

OPERATOR = Caller(app="", party="bot/operator", server=True)
"""Whoever holds the admin token. It belongs to no app, and no app has an empty id."""


def check_access(caller: Caller, operation: Operation) -> None:
    """Refuse a caller the operation is not meant for.

    Raises:
        TrunklineError: ``FORBIDDEN``, ``GUEST_FORBIDDEN`` or ``SCOPE_MISSING``.
    """
    if (operation.audience is Audience.OPERATOR) != (caller.app == ""):
        who = "the operator's admin token" if operation.audience is Audience.OPERATOR else "an app's credentials"
        raise TrunklineError(Code.FORBIDDEN, f"{operation.name} needs {who}.")
    if caller.app == "":
        return
    if caller.server:
        if operation.scope and operation.scope not in caller.scopes:
            raise TrunklineError(
                Code.SCOPE_MISSING, f"{operation.name} needs an API key with the scope '{operation.scope}'."
            )
    elif operation.audience is Audience.SERVERS:
        raise TrunklineError(Code.FORBIDDEN, f"{operation.name} is for app servers: use an API key and secret.")
    elif caller.guest and operation.audience is not Audience.EVERYONE:
        raise TrunklineError(Code.GUEST_FORBIDDEN, f"Guests may not use {operation.name}.")
