"""hello: authenticate, fence the device's older connection, and tell the client where things stand."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import replace
from typing import TYPE_CHECKING

import msgspec

from trunkline.base.errors import Code, TrunklineError
from trunkline.edges.link.deps import LinkDeps
from trunkline.wire.calls.session import Hello, Welcome
from trunkline.wire.frames import PROTOCOL_VERSION, RequestFrame

if TYPE_CHECKING:
    from trunkline.edges.link.session import LinkSession

log = logging.getLogger("trunkline.link")


async def greet(session: LinkSession, deps: LinkDeps, request: RequestFrame) -> None:
    """Answer hello; a refused one closes the connection after the error."""
    try:
        await _greet(session, deps, request)
    except TrunklineError as error:
        _turn_away(session, request.id, error)
    except msgspec.DecodeError as error:
        _turn_away(session, request.id, TrunklineError(Code.INVALID_PARAMS, str(error)))
    except asyncio.CancelledError:
        raise
    except Exception:
        log.exception("hello failed")
        _turn_away(session, request.id, TrunklineError(Code.INTERNAL, "the server failed to do this"))
    else:
        await session.drain_backlog()


def _turn_away(session: LinkSession, request_id: int, error: TrunklineError) -> None:
    session.refuse(request_id, error)
    session.close(error.code, error.detail)


async def _greet(session: LinkSession, deps: LinkDeps, request: RequestFrame) -> None:
    hello: Hello = session._codec.decode_params(request.params, Hello)
    if deps.draining:
        raise TrunklineError(Code.DRAINING, "the server is going away", retry_ms=1000)
    if hello.version < 1:
        raise TrunklineError(Code.UNSUPPORTED_VERSION, f"this server speaks version {PROTOCOL_VERSION}")
    identity = await deps.authenticate(hello.token, hello.device)
    caller = replace(identity.caller, device=hello.device)
    engine = deps.engine
    outbox = None
    if hello.outbox is not None:
        outbox = await engine.residents.load_outbox(caller.app, caller.party, hello.outbox)
    # As the last wait: a revocation that came meanwhile found no socket to close.
    await deps.recheck(identity)
    if session._closed:
        return
    session.caller = caller
    session.app, session.party, session.device = caller.app, caller.party, caller.device
    session.key, session.expires_at_s = identity.key, identity.expires_at_s
    if outbox is not None:
        session.outbox = outbox
        outbox.holders += 1
    deps.hub.add(session)
    session.hello_done()
    limits = deps.limits
    session.reply(
        request.id,
        Welcome(
            party=caller.party,
            device=caller.device,
            session=deps.randomness.token(12),
            session_epoch=deps.next_session_epoch(),
            epoch=engine.epoch,
            pts=engine.committed_lsn,
            server_time_ms=engine.clock.now_ms(),
            heartbeat_ms=int(limits.heartbeat_s * 1000),
            window=limits.window,
            max_frame_bytes=limits.max_frame_bytes,
            outbox_n=outbox.highest if outbox is not None else 0,
        ),
    )
    try:
        await deps.note_device(caller, hello.platform)
    except TrunklineError as error:
        # On a full disk people still sign in and read.
        log.warning("a device could not be noted", extra={"error": error.code.slug})
