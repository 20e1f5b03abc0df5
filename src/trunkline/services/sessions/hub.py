"""The hub: which sessions are live, by party, device and key; and pushing to them.

Push is an optimisation, pull is the truth: a session may drop what is pushed, and then says so to
its client. Not here: what an entry's audience is (``delivery``), sockets (``edges.link``).
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any, Protocol

from trunkline.base.errors import Code
from trunkline.services.sessions.outgoing import Outgoing

log = logging.getLogger("trunkline.hub")


class Session(Protocol):
    """A live, authenticated connection."""

    app: str
    party: str
    device: str
    key: str
    expires_at_s: int

    def push(self, outgoing: Outgoing) -> None:
        """Queue a push; dropped when the client reads too slowly."""
        ...

    def unsent_bytes(self) -> int:
        """Bytes the client has not taken yet; very many while pushes to it are dropped."""
        ...

    def flush(self) -> None:
        """Write what is queued, in one write."""
        ...

    def close(self, code: Code, detail: str = "") -> None:
        """Close with the code's close code; idempotent."""
        ...

    def sweep(self, now_s: float) -> None:
        """Periodic care: heartbeats, expiry, slow readers."""
        ...


class Hub:
    """The sessions of this process.

    Args:
        call_soon: runs a callback at the end of the event loop's tick; flushes are batched by it.
    """

    def __init__(self, call_soon: Callable[[Callable[[], None]], object]) -> None:
        self._call_soon = call_soon
        self._dirty: list[Session] = []
        self.online: dict[tuple[str, str], tuple[Any, ...]] = {}
        self.sessions: dict[int, Any] = {}
        self.monotonic_s = 0.0
        """Coarse monotonic time, renewed by every sweep; good enough for heartbeats and costs nothing to read."""
        self.flush_all: Callable[[list[Session]], object] = flush_all
        """Writes what a tick has for each session; may be replaced by something that does the same, faster."""
        self._on_presence: list[Callable[[str, str], None]] = []
        self._on_add: list[Callable[[Any], None]] = []
        self._on_remove: list[Callable[[Any], None]] = []

    # --- who is here ------------------------------------------------------------------------

    def add(self, session: Session) -> None:
        """Register a session; an older one of the same device is closed, and fenced from then on."""
        key = (session.app, session.party)
        before = self.online.get(key, ())
        for other in before:
            if other.device == session.device:
                self.remove(other)
                other.close(Code.SESSION_SUPERSEDED, "a newer connection of this device took over")
        self.online[key] = (*self.online.get(key, ()), session)
        self.sessions[id(session)] = session
        for callback in self._on_add:
            callback(session)
        if not before:
            self._changed(*key)

    def remove(self, session: Session) -> bool:
        """Forget a session; False when it was gone already."""
        if self.sessions.pop(id(session), None) is None:
            return False
        for callback in self._on_remove:
            callback(session)
        key = (session.app, session.party)
        left = tuple(other for other in self.online.get(key, ()) if other is not session)
        if left:
            self.online[key] = left
        else:
            self.online.pop(key, None)
            self._changed(*key)
        return True

    def is_live(self, session: Session) -> bool:
        """Whether a session is registered: a fenced one is not."""
        return id(session) in self.sessions

    def of(self, app: str, party: str) -> tuple[Any, ...]:
        """The live sessions of a party."""
        return self.online.get((app, party), ())

    def devices(self, app: str, party: str) -> list[str]:
        """The devices a party is online on."""
        return sorted({session.device for session in self.of(app, party)})

    def on_add(self, callback: Callable[[Any], None]) -> None:
        """Call with every session that is registered."""
        self._on_add.append(callback)

    def on_remove(self, callback: Callable[[Any], None]) -> None:
        """Call with every session that is forgotten."""
        self._on_remove.append(callback)

    def on_presence(self, callback: Callable[[str, str], None]) -> None:
        """Call ``callback(app, party)`` when a party comes online or goes offline."""
        self._on_presence.append(callback)

    def _changed(self, app: str, party: str) -> None:
        for callback in self._on_presence:
            callback(app, party)

    # --- pushing ----------------------------------------------------------------------------

    def push(self, app: str, party: str, event: str, data: Any, *, but: Session | None = None) -> None:
        """Push to every live session of a party, except one."""
        sessions = self.online.get((app, party))
        if not sessions:
            return
        outgoing = Outgoing(event, data)
        for session in sessions:
            if session is not but:
                session.push(outgoing)

    def mark(self, session: Session) -> None:
        """Flush this session at the end of the tick, with all others that were marked."""
        if not self._dirty:
            self._call_soon(self._flush)
        self._dirty.append(session)

    def _flush(self) -> None:
        dirty, self._dirty = self._dirty, []
        self.flush_all(dirty)

    # --- closing ----------------------------------------------------------------------------

    def close_device(self, app: str, party: str, device: str | None, code: Code) -> int:
        """Close the sessions of one device, or of all devices of a party; how many."""
        found = [s for s in self.of(app, party) if device is None or s.device == device]
        for session in found:
            session.close(code)
        return len(found)

    def close_key(self, app: str, key: str, code: Code) -> int:
        """Close every session whose token a key signed; how many."""
        found = [s for s in self.sessions.values() if s.app == app and s.key == key]
        for session in found:
            session.close(code)
        return len(found)

    def close_app(self, app: str, code: Code) -> int:
        """Close every session of an app; how many."""
        found = [s for s in self.sessions.values() if s.app == app]
        for session in found:
            session.close(code)
        return len(found)

    def close_all(self, code: Code) -> None:
        """Close everything (shutdown)."""
        for session in list(self.sessions.values()):
            session.close(code)

    def sweep(self, monotonic_s: float) -> None:
        """Give every session its periodic care."""
        self.monotonic_s = monotonic_s
        for session in list(self.sessions.values()):
            session.sweep(monotonic_s)


def flush_all(dirty: list[Session]) -> None:
    """Write what is queued on each session; one broken transport must not keep what others wait for."""
    for session in dirty:
        try:
            session.flush()
        except Exception:
            log.exception("a session could not be written to")
            session.close(Code.INTERNAL)
