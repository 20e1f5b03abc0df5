"""The events a test client writes down, and their JSON-lines codec.

Lives here: one Struct per kind of event, and bytes to events and back. Does not live here: any judgement of a
history (`checker`), any file or clock.

Words used by every event:

* `dev`: the device that wrote the event, for example `user/u1:phone`. Events of one device are in the order in which
  the device did or saw them; events of different devices may be merged in any order.
* `conv`: the conversation. `id`: the id of a send, `outbox,n`. `seq`, `epoch`: a position in the conversation's log.
* `t`: nanoseconds of one monotonic clock shared by all devices of the run. Only real-time order depends on it.
"""

from collections.abc import Iterable, Iterator

import msgspec

__all__ = [
    "Asked",
    "Cursor",
    "Event",
    "Fail",
    "Head",
    "Invoke",
    "Ok",
    "Recv",
    "Resync",
    "StateHash",
    "TornHistoryError",
    "Unknown",
    "ViewJoin",
    "ViewLeave",
    "decode_lines",
    "encode_line",
    "encode_lines",
]


class _Event(msgspec.Struct, frozen=True, gc=False, tag_field="ev", omit_defaults=True):
    """What all events share: a tag in the JSON object's `ev` field."""


class Invoke(_Event, frozen=True, tag="invoke"):
    """The application asked the device to send. A second invoke of one id is a retry, not a new send."""

    dev: str
    conv: str
    id: str
    t: int


class Ok(_Event, frozen=True, tag="ok"):
    """The server accepted the send at this position; from here on the promise covers it."""

    id: str
    seq: int
    epoch: int
    t: int


class Fail(_Event, frozen=True, tag="fail"):
    """The server refused the send for good: it is not applied and never will be."""

    id: str
    t: int


class Unknown(_Event, frozen=True, tag="unknown"):
    """The device stopped waiting without an answer: the send may or may not have been applied."""

    id: str
    t: int


class Recv(_Event, frozen=True, tag="recv"):
    """The application's callback got the entry at `seq`. `id` is None for an entry that is not a message."""

    dev: str
    conv: str
    seq: int
    id: str | None
    t: int
    epoch: int = 0


class Resync(_Event, frozen=True, tag="resync"):
    """The device was told to start over: all up to and including `seq` comes from a snapshot, not from callbacks."""

    dev: str
    conv: str
    epoch: int
    seq: int
    t: int


class ViewJoin(_Event, frozen=True, tag="join"):
    """The device may see the conversation from `seq` (inclusive) on. Without this event a view starts at 1."""

    dev: str
    conv: str
    seq: int
    t: int
    epoch: int = 0


class ViewLeave(_Event, frozen=True, tag="leave"):
    """The device may see the conversation up to `seq` (inclusive) and no further.

    `complete` says that the device was there to the end and so must have got everything up to `seq`; it is false when
    the device was away as the view closed.
    """

    dev: str
    conv: str
    seq: int
    t: int
    complete: bool = True


class Cursor(_Event, frozen=True, tag="cursor"):
    """The device saw the `kind` cursor (`read`, `delivered`) of the party `owner` stand at `seq`."""

    dev: str
    conv: str
    owner: str
    kind: str
    seq: int
    t: int
    epoch: int = 0


class Asked(_Event, frozen=True, tag="asked"):
    """The device asked for the head. The `Head` whose `asked_t` is this `t` answers it."""

    dev: str
    conv: str
    t: int


class Head(_Event, frozen=True, tag="head"):
    """The device was told that the log ends at `seq`.

    `asked_t` is when the device asked; with it, a head below an entry acknowledged before that moment is a stale read.
    With an `Asked` event as well, deliveries that overtake the answer do not make it one. It is 0 when the head came
    unasked.
    """

    dev: str
    conv: str
    epoch: int
    seq: int
    t: int
    asked_t: int = 0


class StateHash(_Event, frozen=True, tag="state_hash"):
    """Hash of the device's whole state in `scope` (a party, or a conversation). The last one of a device counts."""

    dev: str
    scope: str
    h: str
    t: int


Event = Asked | Invoke | Ok | Fail | Unknown | Recv | Resync | ViewJoin | ViewLeave | Cursor | Head | StateHash

_ENCODER = msgspec.json.Encoder()
_DECODER: msgspec.json.Decoder[Event] = msgspec.json.Decoder(Event)


class TornHistoryError(ValueError):
    """A line that is not an event, and is not the unterminated last line of a killed writer either."""


def encode_line(event: Event) -> bytes:
    """Encode one event as a JSON line, newline included."""
    return _ENCODER.encode(event) + b"\n"


def encode_lines(events: Iterable[Event]) -> bytes:
    """Encode many events as JSON lines."""
    return _ENCODER.encode_lines(events)


def decode_lines(lines: Iterable[bytes]) -> Iterator[Event]:
    """Decode JSON lines, for example a file opened in binary mode, one event at a time.

    The last line may be cut short, because the writer may have been killed in the middle of it: an event that was
    not written down completely did not happen. Anything else that is not an event raises `TornHistoryError`.
    """
    decode = _DECODER.decode
    for number, line in enumerate(lines, start=1):
        if not line.endswith(b"\n"):
            return
        try:
            yield decode(line)
        except (msgspec.DecodeError, msgspec.ValidationError) as error:
            raise TornHistoryError(f"line {number} is not an event: {error}") from error
