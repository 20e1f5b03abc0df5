"""Which events a webhook, a hook or a pull wants."""

from __future__ import annotations

from collections.abc import Iterable

from trunkline.base.errors import Code, TrunklineError
from trunkline.domain.webhooks.events import EVENT_NAMES, UNDELIVERED, event_of, is_message


class EventFilter:
    """A filter, prepared for many entries.

    ``*`` and ``message.*`` do not contain ``message.undelivered``: it repeats what another event says, for those who
    push.

    Args:
        events: names, ``*``, or beginnings such as ``members.*``.
        kinds: of conversations; none = all.
        prefix: of conversation ids.
        message_types: of messages; none = all. Changes are not narrowed by it.
    """

    __slots__ = ("_all", "_beginnings", "_known", "_names", "kinds", "message_types", "prefix", "undelivered")

    def __init__(
        self,
        events: Iterable[str] = ("*",),
        kinds: Iterable[str] = (),
        prefix: str = "",
        message_types: Iterable[str] = (),
    ) -> None:
        names = tuple(events)
        self._all = "*" in names
        self._beginnings = tuple(name[:-1] for name in names if name.endswith(".*"))
        self._names = frozenset(names)
        self._known: dict[str, bool] = {}
        self.undelivered = UNDELIVERED in self._names
        self.kinds = frozenset(kinds)
        self.prefix = prefix
        self.message_types = frozenset(message_types)

    def may_want(self, conversation: str, entry_type: str) -> bool:
        """Whether an entry is wanted as far as that can be told without the conversation's kind."""
        if self.prefix and not conversation.startswith(self.prefix):
            return False
        return self.wants_entry(entry_type) or (self.undelivered and self._wants_said(entry_type))

    def wants_kind(self, kind: str) -> bool:
        """Whether conversations of a kind are wanted."""
        return not self.kinds or kind in self.kinds

    def wants_entry(self, entry_type: str) -> bool:
        """Whether the event that an entry is, is wanted."""
        wanted = self._known.get(entry_type)
        if wanted is None:
            name = event_of(entry_type)
            named = self._all or name in self._names or name.startswith(self._beginnings)
            narrowed = bool(self.message_types) and is_message(entry_type) and entry_type not in self.message_types
            wanted = named and not narrowed
            if len(self._known) < 1000:
                self._known[entry_type] = wanted
        return wanted

    def wants_undelivered(self, entry_type: str) -> bool:
        """Whether it is wanted that a message did not reach everyone."""
        return self.undelivered and self._wants_said(entry_type)

    def _wants_said(self, entry_type: str) -> bool:
        return is_message(entry_type) and (not self.message_types or entry_type in self.message_types)


def check_events(events: Iterable[str]) -> tuple[str, ...]:
    """Event names without repetitions, if each names at least one event.

    Raises:
        TrunklineError: ``INVALID_PARAMS``.
    """
    names = tuple(dict.fromkeys(events))
    for name in names:
        known = name == "*" or name in EVENT_NAMES
        if not known and not (name.endswith(".*") and any(event.startswith(name[:-1]) for event in EVENT_NAMES)):
            raise TrunklineError(Code.INVALID_PARAMS, f"there is no event {name!r}", field="events")
    return names
