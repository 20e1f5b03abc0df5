"""Messages that go to everybody in a session: made and written once, not once for each.

Not here: what messages say (``signals``).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

from google.protobuf import json_format
from livekit.protocol import rtc

T = TypeVar("T")


class Prepared:
    """A message, and what it is on the wire."""

    __slots__ = ("_binary", "_response", "_text")

    def __init__(self, response: rtc.SignalResponse) -> None:
        self._response = response
        self._binary: bytes | None = None
        self._text: bytes | None = None

    @property
    def binary(self) -> bytes:
        """As protobuf."""
        if self._binary is None:
            self._binary = self._response.SerializeToString()
        return self._binary

    @property
    def text(self) -> bytes:
        """As JSON."""
        if self._text is None:
            self._text = json_format.MessageToJson(self._response, indent=None).encode()
        return self._text


class Once(Generic[T]):
    """Makes messages of a kind. The very same sequence, handed to one receiver after another, is made into one message.

    Whoever tells many hands over a sequence made for that.
    """

    __slots__ = ("_make", "_prepared", "_said")

    def __init__(self, make: Callable[[Sequence[T]], rtc.SignalResponse]) -> None:
        self._make = make
        self._said: Sequence[T] | None = None
        self._prepared: Prepared | None = None

    def message(self, said: Sequence[T]) -> Prepared:
        """The message."""
        if self._said is not said or self._prepared is None:
            self._prepared = Prepared(self._make(said))
            self._said = said
        return self._prepared
