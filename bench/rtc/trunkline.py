"""``trunkline serve`` with the same callers: LiveKit's signalling, one connection per caller."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

from bench.peers.trunkline import Trunkline
from bench.rtc.client import Caller
from bench.settings import Settings

AUDIO = "urn:ietf:params:rtp-hdrext:ssrc-audio-level"
MID = "urn:ietf:params:rtp-hdrext:sdes:mid"
RID = "urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id"
TRANSPORT = "http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01"
SSRC = 4242
LAYERS = ("q", "h", "f")
ANSWER_S = 20.0
QUALITIES: Any = ("LOW", "MEDIUM", "HIGH")


class Room:
    """The server and one room on it.

    Args:
        settings: cores and directories.
        host: where media is received.
    """

    label = "Trunkline"

    def __init__(self, settings: Settings, host: str) -> None:
        self._server = Trunkline(settings)
        self._open: list[Place] = []
        self._server.environment = {"TRUNKLINE_LIVE__ADDRESSES": host, "TRUNKLINE_SERVER__HOST": "0.0.0.0"}

    def start(self, directory: Path) -> None:
        """Start it."""
        self._server.start(directory, 0)

    def pids(self) -> list[int]:
        """Its processes."""
        return self._server.pids()

    def stop(self) -> None:
        """End it."""
        self._server.stop()

    def log_tail(self) -> str:
        """The end of its log."""
        return self._server.log_tail()

    async def leave(self) -> None:
        """End all signalling."""
        for place in self._open:
            await place.close()
        self._open.clear()

    async def publish(self, caller: Caller) -> dict[str, Any]:
        """A caller publishes one video track; what its packets need."""
        place = await self.enter(caller, "publisher", subscribe=False)
        await place.announce([("video", 1)])
        await caller.connect(await place.offer([("video", 1)], []), controls=True)
        return {"ssrc": SSRC, "payload_type": 96, "extensions": {4: b"0"}}

    async def subscribe(self, caller: Caller) -> None:
        """A caller gets the track."""
        place = await self.enter(caller, f"viewer{len(self._open)}", subscribe=True)
        await caller.connect(await place.offer([], ["video"]), controls=True)

    async def enter(self, caller: Caller, identity: str, *, subscribe: bool) -> Place:
        """Join the room."""
        import aiohttp
        from livekit import api

        key, secret = self._server.credentials
        grants = api.VideoGrants(room_join=True, room="bench")
        token = api.AccessToken(key, secret).with_identity(identity).with_grants(grants).to_jwt()
        session = aiohttp.ClientSession()
        url = f"http://127.0.0.1:{self._server.port}/rtc/v1"
        wanted = {"access_token": token, "auto_subscribe": "1" if subscribe else "0"}
        self._open.append(Place(caller, session, await session.ws_connect(url, params=wanted)))
        async with asyncio.timeout(ANSWER_S):
            await self._open[-1].joined()
        return self._open[-1]


class Place:
    """One caller's signalling."""

    def __init__(self, caller: Caller, session: Any, socket: Any) -> None:
        self._caller, self._session, self._socket = caller, session, socket
        self._answers: asyncio.Queue[str] = asyncio.Queue()
        self._joined = asyncio.Event()
        self._reading = asyncio.create_task(self._read())

    async def _read(self) -> None:
        from livekit.protocol import rtc

        async for frame in self._socket:
            response = rtc.SignalResponse.FromString(frame.data)
            self._joined.set()  # it begins with ``join``; what is sent before is not heard
            if response.WhichOneof("message") == "answer":
                self._answers.put_nowait(response.answer.sdp)

    async def joined(self) -> None:
        """Returns when the server has let the caller in."""
        await self._joined.wait()

    async def announce(self, sends: list[tuple[str, int]]) -> None:
        """Tell of tracks that an offer will carry: kinds with their number of layers."""
        from livekit.protocol import models, rtc

        for n, (kind, layers) in enumerate(sends):
            video = kind == "video"
            request = rtc.AddTrackRequest(
                cid=f"t{n}",
                name=kind,
                type=models.TrackType.VIDEO if video else models.TrackType.AUDIO,
                source=models.TrackSource.CAMERA if video else models.TrackSource.MICROPHONE,
                width=1280,
                height=720,
                disable_red=True,
                layers=[
                    models.VideoLayer(quality=QUALITIES[q], width=320 << q, height=180 << q) for q in range(layers)
                ],
            )
            await self._socket.send_bytes(rtc.SignalRequest(add_track=request).SerializeToString())

    async def offer(self, sends: list[tuple[str, int]], receives: list[str]) -> str:
        """Offer sections for what is sent and for what may come; the answer."""
        from livekit.protocol import rtc

        description = rtc.SessionDescription(type="offer", sdp=make_offer(self._caller, sends, receives))
        await self._socket.send_bytes(rtc.SignalRequest(offer=description).SerializeToString())
        async with asyncio.timeout(ANSWER_S):
            return await self._answers.get()

    async def close(self) -> None:
        """Leave."""
        self._reading.cancel()
        await self._socket.close()
        await self._session.close()


def make_offer(caller: Caller, sends: list[tuple[str, int]], receives: list[str]) -> str:
    """An offer with a section for each track sent and each that may come."""
    sections = [(kind, layers, "sendonly") for kind, layers in sends] + [(kind, 1, "recvonly") for kind in receives]
    mids = " ".join(str(n) for n in range(len(sections)))
    text = (
        "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\n"
        f"a=group:BUNDLE {mids}\r\na=extmap-allow-mixed\r\na=msid-semantic: WMS *\r\n"
    )
    for mid, (kind, layers, direction) in enumerate(sections):
        if kind == "video":
            text += "m=video 9 UDP/TLS/RTP/SAVPF 96 97\r\n"
            formats = (
                "a=rtpmap:96 VP8/90000\r\na=rtcp-fb:96 nack\r\na=rtcp-fb:96 nack pli\r\na=rtcp-fb:96 transport-cc\r\n"
                "a=rtpmap:97 rtx/90000\r\na=fmtp:97 apt=96\r\n"
            )
        else:
            text += "m=audio 9 UDP/TLS/RTP/SAVPF 111\r\n"
            formats = "a=rtpmap:111 opus/48000/2\r\na=rtcp-fb:111 nack\r\na=rtcp-fb:111 transport-cc\r\n"
        text += "c=IN IP4 0.0.0.0\r\na=rtcp-mux\r\n" + f"a=mid:{mid}\r\na={direction}\r\n" + formats
        text += f"a=extmap:4 {MID}\r\na=extmap:3 {TRANSPORT}\r\na=extmap:1 {AUDIO}\r\n"
        if direction == "sendonly":
            text += f"a=msid:s t{mid}\r\n"
        if layers > 1:
            text += f"a=extmap:10 {RID}\r\n"
            text += "".join(f"a=rid:{rid} send\r\n" for rid in LAYERS[:layers])
            text += f"a=simulcast:send {';'.join(LAYERS[:layers])}\r\n"
        elif direction == "sendonly":
            ssrc = SSRC + mid
            text += f"a=ssrc:{ssrc} cname:c\r\na=ssrc:{ssrc} msid:s t{mid}\r\n"
        text += caller.transport_lines("actpass")
    return text
