"""Live sessions with the official ``livekit`` library: what people hear, see and receive."""

from __future__ import annotations

import asyncio
import socket

import pytest
from livekit import api, rtc

from tests.integration.live.conftest import Enter
from tests.integration.live.person import Person, live_token, until
from tests.integration.rest.running import App, Running

AUDIO, VIDEO = rtc.TrackKind.KIND_AUDIO, rtc.TrackKind.KIND_VIDEO
pytestmark = pytest.mark.timeout(120)


async def test_people_hear_see_and_message_each_other(enter: Enter) -> None:
    ann, bob = await enter("ann"), await enter("bob")
    await ann.speak()
    await ann.show()
    await bob.speak(loudness=4000)
    await until(lambda: bob.hears("ann").frames > 50 and bob.hears("ann").loudness > 4000, "bob hears ann")
    await until(lambda: ann.hears("bob").frames > 50 and 1500 < ann.hears("bob").loudness < 4000, "ann hears bob")
    await until(lambda: bob.sees("ann").frames > 20, "bob sees ann")
    assert bob.sees("ann").size == (320, 180)
    await until(lambda: "ann" in bob.speakers, "ann is known to speak")
    await ann.room.local_participant.publish_data(b"to all", reliable=True, topic="chat")
    await bob.room.local_participant.publish_data(b"lossy", reliable=False)
    await until(lambda: ("ann", b"to all", "chat") in bob.messages, "a reliable message")
    await until(lambda: any(message[:2] == ("bob", b"lossy") for message in ann.messages), "a lossy message")


async def test_whoever_comes_later_gets_what_is_published(enter: Enter) -> None:
    ann = await enter("ann")
    await ann.speak()
    await ann.show()
    bob = await enter("bob")
    await until(lambda: bob.hears("ann").loudness > 4000, "bob hears ann")
    await until(lambda: bob.sees("ann").frames > 10, "bob sees ann")
    cat = await enter("cat")
    await bob.show()
    await until(lambda: cat.sees("ann").frames > 10 and cat.sees("bob").frames > 10, "cat sees both")
    await until(lambda: ann.sees("bob").frames > 10, "ann sees bob")


@pytest.mark.parametrize("codec", ["VP8", "H264", "VP9", "AV1"])
async def test_every_codec_arrives(enter: Enter, codec: str) -> None:
    ann, bob = await enter("ann"), await enter("bob")
    await ann.show(codec=codec)
    await until(lambda: bob.sees("ann").frames > 20, f"frames by {codec}")
    assert bob.publication("ann", VIDEO).mime_type.lower() == f"video/{codec}".lower()


async def test_messages_for_one_reach_only_that_one(enter: Enter) -> None:
    ann, bob, cat = await enter("ann"), await enter("bob"), await enter("cat")
    for number in range(200):
        await ann.room.local_participant.publish_data(
            f"{number}".encode(), reliable=True, destination_identities=["bob"]
        )
    await ann.room.local_participant.publish_data(b"end", reliable=True)
    await until(lambda: len(bob.messages) == 201 and len(cat.messages) == 1, "messages")
    assert [message[1] for message in bob.messages] == [*(f"{n}".encode() for n in range(200)), b"end"]
    assert [message[1] for message in cat.messages] == [b"end"]


async def test_text_streams_and_calls_of_methods_ride_on_data(enter: Enter) -> None:
    ann, bob = await enter("ann"), await enter("bob")
    bob.room.local_participant.register_rpc_method("greet", lambda call: _greet(call.payload))
    texts: list[str] = []
    reading: list[asyncio.Task[None]] = []

    def on_text(reader: rtc.TextStreamReader, _sender: str) -> None:
        async def read() -> None:
            texts.append(await reader.read_all())

        reading.append(asyncio.create_task(read()))

    bob.room.register_text_stream_handler("notes", on_text)
    long = "a long text, " * 5000
    await ann.room.local_participant.send_text(long, topic="notes")
    await until(lambda: texts == [long], "the text")
    answer = await ann.room.local_participant.perform_rpc(destination_identity="bob", method="greet", payload="ann")
    assert answer == "hello ann"


async def _greet(name: str) -> str:
    return f"hello {name}"


async def test_mute_and_unmute_are_known_and_frames_follow(enter: Enter) -> None:
    ann, bob = await enter("ann"), await enter("bob")
    publication = await ann.show()
    await until(lambda: bob.sees("ann").frames > 5, "bob sees ann")
    assert publication.track is not None
    publication.track.mute()
    await until(lambda: "track_muted" in bob.events, "muted")
    assert bob.publication("ann", VIDEO).muted
    publication.track.unmute()
    await until(lambda: "track_unmuted" in bob.events, "unmuted")
    before = bob.sees("ann").frames
    await until(lambda: bob.sees("ann").frames > before + 10, "frames again")


async def test_unpublishing_and_leaving_are_seen(enter: Enter) -> None:
    ann, bob = await enter("ann"), await enter("bob")
    publication = await ann.speak()
    await until(lambda: bob.hears("ann").frames > 5, "bob hears ann")
    await ann.room.local_participant.unpublish_track(publication.sid)
    await until(lambda: not bob.room.remote_participants["ann"].track_publications, "unpublished")
    await ann.show()
    await until(lambda: bob.sees("ann").frames > 5, "a new track takes the free section")
    await ann.leave()
    await until(lambda: not bob.room.remote_participants, "ann left")


async def test_subscriptions_follow_wishes(enter: Enter) -> None:
    ann, bob = await enter("ann"), await enter("bob")
    await ann.show()
    await until(lambda: bob.sees("ann").frames > 5, "bob sees ann")
    bob.publication("ann", VIDEO).set_subscribed(False)
    await until(lambda: bob.publication("ann", VIDEO).track is None, "unsubscribed")
    before = bob.sees("ann").frames
    bob.publication("ann", VIDEO).set_subscribed(True)
    await until(lambda: bob.sees("ann").frames > before + 10, "subscribed again")


async def test_quality_chosen_by_the_subscriber_switches_layers(enter: Enter) -> None:
    ann, bob = await enter("ann"), await enter("bob")
    await ann.show(1280, 720, simulcast=True, fps=10)
    await until(lambda: bob.sees("ann").frames > 5 and bob.sees("ann").size == (1280, 720), "the high layer")
    publication = bob.publication("ann", VIDEO)
    publication.set_video_quality(rtc.VideoQuality.VIDEO_QUALITY_LOW)
    await until(lambda: bob.sees("ann").size == (320, 180), "the low layer")
    before = bob.sees("ann").frames
    await until(lambda: bob.sees("ann").frames > before + 20, "the low layer flows")
    publication.set_video_quality(rtc.VideoQuality.VIDEO_QUALITY_HIGH)
    await until(lambda: bob.sees("ann").size == (1280, 720), "the high layer again")


async def test_the_same_identity_joins_once(enter: Enter) -> None:
    bob = await enter("bob")
    first = await enter("ann")
    await until(lambda: "ann" in bob.room.remote_participants, "ann is there")
    before = bob.room.remote_participants["ann"].sid
    await enter("ann")
    await until(lambda: "disconnected" in first.events, "the first one is out")
    await until(
        lambda: "ann" in bob.room.remote_participants and bob.room.remote_participants["ann"].sid != before,
        "the second one is there",
    )


async def test_apps_are_apart(enter: Enter, server: Running) -> None:
    other = server.create_app("other")
    ann = await enter("ann")
    stranger = await enter("stranger", of=other)
    bob = await enter("bob")
    await until(lambda: "bob" in ann.room.remote_participants, "bob is there")
    await stranger.room.local_participant.publish_data(b"hello?", reliable=True)
    await bob.room.local_participant.publish_data(b"hello", reliable=True)
    await until(lambda: bool(ann.messages), "bob's message")
    assert ann.messages[0][1] == b"hello" and set(ann.room.remote_participants) == {"bob"}
    assert not stranger.room.remote_participants


async def test_a_token_opens_what_it_names_and_nothing_else(app: App, server: Running) -> None:
    other = server.create_app("other")
    refused = {
        "another app's secret": live_token(App(server, app.id, app.key, other.secret), "ann", "room"),
        "an unknown key": live_token(App(server, app.id, "k_unknown", app.secret), "ann", "room"),
        "a client token without rooms": app.token("user/ann"),
        "garbage": "not.a.token",
        "a changed signature": live_token(app, "ann", "room")[:-4] + "AAAA",
        "no room": api.AccessToken(app.key, app.secret)
        .with_identity("ann")
        .with_grants(api.VideoGrants(room_list=True))
        .to_jwt(),
    }
    for why, token in refused.items():
        person = Person("ann")
        with pytest.raises(rtc.ConnectError):
            await person.join(app, "room", token)
            pytest.fail(why)


async def test_grants_are_kept(enter: Enter, app: App) -> None:
    listener = await enter("lis", token=live_token(app, "lis", "room", can_publish=False, can_publish_data=False))
    hidden = await enter("hid", token=live_token(app, "hid", "room", hidden=True))
    ann = await enter("ann")
    assert set(ann.room.remote_participants) == {"lis"}
    await ann.speak()
    await until(lambda: listener.hears("ann").frames > 5 and hidden.hears("ann").frames > 5, "both hear")
    with pytest.raises(Exception):  # noqa: B017 - the library raises a plain one
        await listener.speak()
    await listener.room.local_participant.publish_data(b"psst", reliable=True)
    await hidden.room.local_participant.publish_data(b"boo", reliable=True)
    await until(lambda: bool(ann.messages), "the hidden one may send")
    assert [message[1] for message in ann.messages] == [b"boo"]


async def test_garbage_on_the_media_port_disturbs_nobody(enter: Enter, app: App) -> None:
    ann, bob = await enter("ann"), await enter("bob")
    await ann.speak()
    await until(lambda: bob.hears("ann").frames > 20, "bob hears ann")
    host, port = app.server.url.removeprefix("http://").split(":")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stranger:
        for first in range(256):
            for size in (1, 12, 13, 20, 28, 200, 1400):
                stranger.sendto(bytes((first,)) * size, (host, int(port)))
                stranger.sendto(bytes((first, 1, 0, 8)) + b"\x21\x12\xa4\x42" + bytes(size), (host, int(port)))
    before = bob.hears("ann").frames
    await until(lambda: bob.hears("ann").frames > before + 50 and bob.hears("ann").loudness > 4000, "still heard")


async def test_a_cut_signalling_connection_is_resumed_and_media_goes_on(enter: Enter) -> None:
    ann, bob = await enter("ann"), await enter("bob")
    await ann.speak()
    await until(lambda: bob.hears("ann").frames > 20, "bob hears ann")
    sid = bob.room.remote_participants["ann"].sid
    await ann.room.simulate_scenario(rtc.SimulateScenarioKind.SIMULATE_SIGNAL_RECONNECT)
    await until(lambda: "reconnected" in ann.events, "ann is back")
    before = bob.hears("ann").frames
    await until(lambda: bob.hears("ann").frames > before + 50, "still heard")
    assert bob.room.remote_participants["ann"].sid == sid
    await ann.show()
    await until(lambda: bob.sees("ann").frames > 5, "ann can publish more")
