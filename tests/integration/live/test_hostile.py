"""Clients that mean harm, with a token and without: nobody else notices, and the server does not grow."""

from __future__ import annotations

import random
import socket

import aiohttp
import psutil
import pytest
from livekit.protocol import rtc as wire

from tests.integration.live.conftest import Enter
from tests.integration.live.person import live_token, until
from tests.integration.live.signalling import Signalling
from tests.integration.rest.running import App, Running
from tests.unit.media.test_sdp import OFFER

pytestmark = pytest.mark.timeout(120)
SEED = 20_261_128
GROWTH_BYTES = 64 << 20


async def test_malformed_messages_of_a_participant_disturb_nobody(enter: Enter, app: App, server: Running) -> None:
    dice = random.Random(SEED)
    ann, bob = await enter("ann"), await enter("bob")
    await ann.speak()
    await until(lambda: bob.hears("ann").loudness > 4000, "bob hears ann")
    process = psutil.Process(server.process.pid)
    before = process.memory_info().rss
    sound = wire.SignalRequest(offer=wire.SessionDescription(type="offer", sdp=OFFER, id=1)).SerializeToString()
    lines = OFFER.split("\r\n")
    for _ in range(40):
        async with Signalling(app, "eve") as eve:
            await eve.joined()
            for _ in range(10):
                damaged = lines[:]
                dice.shuffle(damaged)
                text = "\r\n".join(damaged[: dice.randrange(len(damaged))])
                await eve.ask(offer=wire.SessionDescription(type="offer", sdp=text, id=dice.randrange(9)))
                await eve.ask(answer=wire.SessionDescription(type="answer", sdp=text))
                await eve.ask(
                    track_setting=wire.UpdateTrackSettings(track_sids=["x" * 1000] * 50, width=2**31, height=1)
                )
                await eve.ask(subscription=wire.UpdateSubscription(track_sids=["x"] * 2000, subscribe=True))
            cut = bytearray(sound[: dice.randrange(len(sound))])
            cut[dice.randrange(len(cut)) if cut else 0 :] = dice.randbytes(20)
            await eve.socket.send_bytes(bytes(cut))
    heard = bob.hears("ann").frames
    await until(lambda: bob.hears("ann").frames > heard + 50 and bob.hears("ann").loudness > 4000, "still heard")
    await until(lambda: set(bob.room.remote_participants) <= {"ann", "eve"}, "eve is one at most")
    assert process.memory_info().rss - before < GROWTH_BYTES
    assert "disconnected" not in ann.events + bob.events


async def test_joins_that_cannot_be_read_are_refused(app: App) -> None:
    dice = random.Random(SEED)
    token = live_token(app, "eve", "room")
    async with aiohttp.ClientSession() as session:
        for _ in range(30):
            request = dice.randbytes(dice.randrange(1, 400)).hex()
            with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
                await session.ws_connect(
                    f"{app.server.url}/rtc/v1", params={"access_token": token, "join_request": f"{request}!"}
                )
            assert refused.value.status == 400


async def test_datagrams_of_strangers_and_of_the_past_disturb_nobody(enter: Enter, app: App, server: Running) -> None:
    """What looks like STUN, DTLS, RTP and RTCP, from an address that no check came from."""
    dice = random.Random(SEED)
    ann, bob = await enter("ann"), await enter("bob")
    await ann.speak()
    await until(lambda: bob.hears("ann").loudness > 4000, "bob hears ann")
    process = psutil.Process(server.process.pid)
    before = process.memory_info().rss
    host, port = app.server.url.removeprefix("http://").split(":")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stranger:
        stranger.connect((host, int(port)))
        stranger.setblocking(False)
        for _ in range(5000):
            opening = dice.choice(
                (
                    b"\x00\x01" + dice.randbytes(2) + b"\x21\x12\xa4\x42",
                    b"\x16\xfe\xfd\x00\x00" + dice.randbytes(8),
                    b"\x80\x6f" + dice.randbytes(10),
                    b"\x81\xc9" + dice.randbytes(6),
                    b"\x90\xef\xbe\xde",
                )
            )
            try:
                stranger.send(opening + dice.randbytes(dice.randrange(1200)))
            except BlockingIOError:
                continue
    heard = bob.hears("ann").frames
    await until(lambda: bob.hears("ann").frames > heard + 50 and bob.hears("ann").loudness > 4000, "still heard")
    assert process.memory_info().rss - before < GROWTH_BYTES
