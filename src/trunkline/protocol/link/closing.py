"""What a close code or an error code asks of a client: try again, get a new token, or stop.

The decision follows the range of the code alone, so an old client reacts correctly to codes made after
it. What is not here: how long to wait (``backoff``) and the codes themselves (``base.errors``).
"""

from __future__ import annotations

import enum

from trunkline.base.errors import Code


class Reaction(enum.StrEnum):
    """What to do after a connection ended or a hello was refused."""

    RETRY = "retry"
    NEW_TOKEN = "new_token"
    STOP = "stop"


def reaction_to_close(close_code: int) -> Reaction:
    """What a WebSocket close code asks for (``spec/link.md`` section 9).

    Codes outside 4100-4399 come from the network, a proxy or a server that went away: try again.
    """
    if close_code == Code.SESSION_SUPERSEDED.close_code:
        return Reaction.STOP
    family = close_code // 100
    if family in (41, 43):
        return Reaction.STOP
    if family == 42:
        return Reaction.NEW_TOKEN
    return Reaction.RETRY


def reaction_to_error(error_code: int) -> Reaction:
    """What an error in answer to hello asks for; the code is the number, such as 2003."""
    family = error_code // 1000
    if family in (1, 3) or error_code == Code.SESSION_SUPERSEDED.number:
        return Reaction.STOP
    if family == 2:
        return Reaction.NEW_TOKEN
    return Reaction.RETRY
