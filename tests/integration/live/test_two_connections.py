"""The older protocol of ``/rtc``: clients publish on one connection and are sent to on another, which we offer."""

from __future__ import annotations

import pytest
from livekit import rtc

from tests.integration.live.conftest import Enter
from tests.integration.live.person import until

VIDEO = rtc.TrackKind.KIND_VIDEO
pytestmark = pytest.mark.timeout(120)


async def test_people_hear_see_and_message_each_other_and_those_with_one_connection(enter: Enter) -> None:
    ann = await enter("ann", single_peer_connection=False)
    bob = await enter("bob", single_peer_connection=False)
    cat = await enter("cat")
    for person in (ann, cat):
        await person.speak()
        await person.show()
    for person, other in ((bob, "ann"), (bob, "cat"), (ann, "cat"), (cat, "ann")):
        await until(lambda p=person, o=other: p.hears(o).loudness > 4000, f"{person.identity} hears {other}")  # type: ignore[misc]
        await until(lambda p=person, o=other: p.sees(o).frames > 10, f"{person.identity} sees {other}")  # type: ignore[misc]
    await bob.room.local_participant.publish_data(b"to all", reliable=True)
    await ann.room.local_participant.publish_data(b"lossy", reliable=False)
    await until(lambda: ("bob", b"to all", None) in [(*m[:2], m[2] or None) for m in cat.messages], "cat has a message")
    await until(lambda: {m[1] for m in ann.messages} == {b"to all"}, "ann has a message")
    await until(lambda: any(m[1] == b"lossy" for m in bob.messages), "bob has a lossy message")


async def test_tracks_come_and_go_and_their_places_are_used_again(enter: Enter) -> None:
    ann = await enter("ann", single_peer_connection=False)
    bob = await enter("bob", single_peer_connection=False)
    for _ in range(3):
        publication = await ann.show()
        before = bob.sees("ann").frames
        await until(lambda b=before: bob.sees("ann").frames > b + 5, "bob sees ann")  # type: ignore[misc]
        await ann.room.local_participant.unpublish_track(publication.sid)
        await until(lambda: not bob.room.remote_participants["ann"].track_publications, "unpublished")
    await ann.show(1280, 720, simulcast=True, fps=10)
    await until(lambda: bob.sees("ann").size == (1280, 720), "the high layer")
    publication_at_bob = bob.publication("ann", VIDEO)
    publication_at_bob.set_subscribed(False)
    await until(lambda: bob.publication("ann", VIDEO).track is None, "unsubscribed")
    publication_at_bob.set_subscribed(True)
    before = bob.sees("ann").frames
    await until(lambda: bob.sees("ann").frames > before + 5, "subscribed again")


async def test_a_cut_signalling_connection_is_resumed(enter: Enter) -> None:
    ann = await enter("ann", single_peer_connection=False)
    bob = await enter("bob", single_peer_connection=False)
    await ann.speak()
    await until(lambda: bob.hears("ann").frames > 20, "bob hears ann")
    for person in (ann, bob):
        await person.room.simulate_scenario(rtc.SimulateScenarioKind.SIMULATE_SIGNAL_RECONNECT)
        await until(lambda p=person: "reconnected" in p.events, "back")  # type: ignore[misc]
    before = bob.hears("ann").frames
    await until(lambda: bob.hears("ann").frames > before + 50, "still heard")
    await ann.show()
    await until(lambda: bob.sees("ann").frames > 5, "ann can publish more")
