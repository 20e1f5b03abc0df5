"""What became of every send, collected from the histories of all devices.

Lives here: the table of sends with their acknowledgements and refusals. Does not live here: what must hold for them
(`invariants_log`, `invariants_order`).
"""

from collections.abc import Iterator

from trunkline.domain.history.events import Fail, Invoke, Ok, Unknown

__all__ = ["ContradictoryHistoryError", "Send", "SendTable"]


class ContradictoryHistoryError(ValueError):
    """The history cannot be true whatever the server did: the test that wrote it is wrong, so nothing is judged."""


class Send:
    """One send: who made it, when, and every answer it got."""

    __slots__ = ("acks", "conv", "dev", "failed", "id", "invoked_t")

    def __init__(self, send_id: str, dev: str, conv: str, invoked_t: int) -> None:
        self.id = send_id
        self.dev = dev
        self.conv = conv
        self.invoked_t = invoked_t
        self.acks: tuple[Ok, ...] = ()
        self.failed = False

    @property
    def acked_t(self) -> int:
        """When the first acknowledgement arrived; call only for an acknowledged send."""
        return min(ack.t for ack in self.acks)


class SendTable:
    """All sends by id, in each device's order of invocation.

    Answers may come before their invoke, because the histories of several devices (or of two connections that race
    with one id) need not be merged in time; they wait here until `settle`.
    """

    def __init__(self) -> None:
        self.by_id: dict[str, Send] = {}
        self._early: list[Ok | Fail | Unknown] = []
        self.orphans: list[Ok | Fail | Unknown] = []

    def __iter__(self) -> Iterator[Send]:
        return iter(self.by_id.values())

    def on_invoke(self, event: Invoke) -> None:
        """Add a send, or see that it is a retry of a known one."""
        known = self.by_id.get(event.id)
        if known is None:
            self.by_id[event.id] = Send(event.id, event.dev, event.conv, event.t)
        elif known.conv != event.conv:
            raise ContradictoryHistoryError(f"send {event.id} was invoked for {known.conv} and for {event.conv}")
        elif event.t < known.invoked_t:
            known.invoked_t = event.t

    def on_ok(self, event: Ok) -> None:
        """Add an acknowledgement."""
        send = self.by_id.get(event.id)
        if send is None:
            self._early.append(event)
        else:
            send.acks = (*send.acks, event)

    def on_fail(self, event: Fail) -> None:
        """Mark a send as refused."""
        send = self.by_id.get(event.id)
        if send is None:
            self._early.append(event)
        else:
            send.failed = True

    def on_unknown(self, event: Unknown) -> None:
        """See that an unanswered send belongs to a known one; unanswered is also what no event at all means."""
        if event.id not in self.by_id:
            self._early.append(event)

    def settle(self) -> None:
        """Give the answers that came early to their sends; what is left over answers a send nobody made."""
        early, self._early = self._early, []
        for event in early:
            if isinstance(event, Ok):
                self.on_ok(event)
            elif isinstance(event, Fail):
                self.on_fail(event)
            else:
                self.on_unknown(event)
        self.orphans, self._early = self._early, []
