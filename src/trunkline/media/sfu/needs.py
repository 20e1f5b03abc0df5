"""What a client is asked to offer, so that everything it gets has a section: once, until it has offered it.

Clients add the sections they are asked for each time they are asked, and one offer takes them a while: asked for every
track by itself, they would negotiate many times over and end with more sections than tracks. What comes up meanwhile
waits for the offer, and goes into the next request. Not here: which tracks have no section (``connection``).
"""

from __future__ import annotations

from collections.abc import Sequence

Sections = tuple[int, int]
"""Audio and video."""


def count(kinds: Sequence[str]) -> Sections:
    """How many sections of each kind."""
    return kinds.count("audio"), kinds.count("video")


class SectionNeeds:
    """Requests for sections to one client."""

    __slots__ = ("_expected", "_overtaken")

    def __init__(self) -> None:
        self._expected: Sections | None = None
        self._overtaken = False

    def ask(self, missing: Sections, spare: Sections, offered: Sections) -> Sections | None:
        """What to ask for now; None while an earlier request is on its way.

        Args:
            missing: tracks without a section.
            spare: sections of the latest offer that carry nothing.
            offered: all sections of the latest offer.
        """
        if self._expected is not None:
            return None
        asked = max(missing[0] - spare[0], 0), max(missing[1] - spare[1], 0)
        self._expected = offered[0] + asked[0], offered[1] + asked[1]
        self._overtaken = False
        return asked

    def on_offer(self, offered: Sections) -> None:
        """An offer came. One that was under way when we asked has not what we asked for; the next is the answer."""
        expected = self._expected
        if expected is None:
            return
        if self._overtaken or (offered[0] >= expected[0] and offered[1] >= expected[1]):
            self._expected = None
        self._overtaken = True

    def forget(self) -> None:
        """What was asked may never have arrived."""
        self._expected = None
