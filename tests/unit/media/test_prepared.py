"""Messages for everybody: made once for all, and anew for what is said anew."""

from __future__ import annotations

from collections.abc import Sequence

from livekit.protocol import rtc

from trunkline.domain.live import Participant, Permission
from trunkline.edges.livekit import signals
from trunkline.edges.livekit.prepared import Once


def test_what_is_said_to_many_is_made_once_and_what_changed_is_made_again() -> None:
    made: list[Sequence[Participant]] = []

    def make(participants: Sequence[Participant]) -> rtc.SignalResponse:
        made.append(participants)
        return signals.update(participants)

    once, ann = Once(make), Participant("PA_ann", "ann", "", Permission(), 0)
    said = [ann]
    messages = [once.message(said) for _ in range(1000)]
    assert len(made) == 1 and {id(message.binary) for message in messages} == {id(messages[0].binary)}
    ann.name = "Ann"
    changed = once.message([ann])
    assert len(made) == 2
    assert rtc.SignalResponse.FromString(messages[0].binary).update.participants[0].name == ""
    assert rtc.SignalResponse.FromString(changed.binary).update.participants[0].name == "Ann"
    assert b'"identity": "ann"' in changed.text
