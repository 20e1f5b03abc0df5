"""Debian's Janus with its VideoRoom: started with a configuration of our own, spoken to over its HTTP interface."""

from __future__ import annotations

import asyncio
import json
import secrets
import shutil
import urllib.request
from pathlib import Path
from typing import Any

from bench.peers.base import Unavailable
from bench.processes import ServerProcess, free_port
from bench.rtc.client import Caller
from bench.settings import Settings

PLUGINS = Path("/usr/lib/x86_64-linux-gnu/janus")
ROOM = 1234
_MAIN = """\
general: {{ configs_folder = "{directory}" plugins_folder = "{plugins}/plugins"
  transports_folder = "{plugins}/transports"
  events_folder = "{plugins}/events" loggers_folder = "{plugins}/loggers" debug_level = 3 server_name = "bench" }}
certificates: {{ }}
media: {{ ipv6 = false }}
nat: {{ ice_enforce_list = "{host}" nice_debug = false full_trickle = false }}
plugins: {{ disable = "{disabled}" }}
transports: {{ disable = "{silent}" }}
loggers: {{ disable = "libjanus_jsonlog.so" }}
events: {{ broadcast = false }}
"""
_HTTP = """\
general: {{ json = "compact" base_path = "/janus" http = true port = {port} ip = "127.0.0.1" https = false }}
admin: {{ admin_http = false }}
"""
TRANSPORTS = "websockets rabbitmq mqtt nanomsg pfunix"
OTHERS = "audiobridge echotest recordplay sip nosip streaming textroom videocall voicemail duktape lua"


class Janus:
    """The server and its room."""

    label = "Janus VideoRoom"

    def __init__(self, settings: Settings, host: str) -> None:
        self._settings, self._host = settings, host
        command = shutil.which("janus")
        if command is None or not PLUGINS.exists():
            raise Unavailable("Janus is not installed (Debian: apt-get install janus)")
        self._command = command
        self._process: ServerProcess | None = None
        self._base = ""
        self._feed = 0

    def start(self, directory: Path) -> None:
        """Start it and make a room."""
        port = free_port()
        disabled = ",".join(f"libjanus_{name}.so" for name in OTHERS.split())
        silent = ",".join(f"libjanus_{name}.so" for name in TRANSPORTS.split())
        values = {
            "silent": silent,
            "directory": directory,
            "plugins": PLUGINS,
            "host": self._host,
            "disabled": disabled,
            "port": port,
        }
        (directory / "janus.jcfg").write_text(_MAIN.format(**values))
        (directory / "janus.transport.http.jcfg").write_text(_HTTP.format(**values))
        (directory / "janus.plugin.videoroom.jcfg").write_text("general: { }\n")
        self._process = ServerProcess(
            [self._command, "-F", str(directory), "-C", str(directory / "janus.jcfg")],
            core=self._settings.server_core, log=directory / "log",
        )  # fmt: skip
        self._process.wait_for_port(port)
        self._base = f"http://127.0.0.1:{port}/janus"

    def pids(self) -> list[int]:
        """Its processes."""
        return self._process.pids() if self._process is not None else []

    def stop(self) -> None:
        """End it."""
        if self._process is not None:
            self._process.stop()

    def log_tail(self) -> str:
        """The end of its log."""
        return self._process.log_tail() if self._process is not None else ""

    async def publish(self, caller: Caller) -> dict[str, Any]:
        """A caller publishes one video track; what its packets need."""
        handle = await self._attach()
        await self._message(
            handle, {"request": "create", "room": ROOM, "publishers": 32, "bitrate": 0, "videocodec": "vp8"}
        )
        offer = _offer(caller, "sendonly")
        answered = await self._message(
            handle, {"request": "joinandconfigure", "room": ROOM, "ptype": "publisher"}, ("offer", offer)
        )
        self._feed = answered["plugindata"]["data"]["id"]
        await caller.connect(answered["jsep"]["sdp"], controls=True)
        return {"ssrc": SSRC, "payload_type": 96, "extensions": {4: b"0"}}

    async def subscribe(self, caller: Caller) -> None:
        """A caller gets the track."""
        handle = await self._attach()
        offered = await self._message(
            handle, {"request": "join", "room": ROOM, "ptype": "subscriber", "streams": [{"feed": self._feed}]}
        )
        answer = _answer(caller, offered["jsep"]["sdp"])
        connecting = asyncio.create_task(
            caller.connect(offered["jsep"]["sdp"].replace("actpass", "passive"), controls=False)
        )
        await self._message(handle, {"request": "start"}, ("answer", answer))
        await connecting

    async def _attach(self) -> str:
        session = (await self._post(self._base, {"janus": "create"}))["data"]["id"]
        url = f"{self._base}/{session}"
        handle = (await self._post(url, {"janus": "attach", "plugin": "janus.plugin.videoroom"}))["data"]["id"]
        return f"{url}/{handle}"

    async def _message(self, handle: str, body: dict[str, Any], jsep: tuple[str, str] | None = None) -> dict[str, Any]:
        request: dict[str, Any] = {"janus": "message", "body": body}
        if jsep is not None:
            request["jsep"] = {"type": jsep[0], "sdp": jsep[1]}
        reply = await self._post(handle, request)
        if reply["janus"] == "success":
            return reply
        session = handle.rpartition("/")[0]
        while True:
            event = await asyncio.to_thread(_get, f"{session}?maxev=1")
            for one in event if isinstance(event, list) else [event]:
                if one.get("transaction") == reply["transaction"] and one["janus"] == "event":
                    if "error" in one["plugindata"]["data"]:
                        raise RuntimeError(f"Janus: {one['plugindata']['data']}")
                    return dict(one)

    async def _post(self, url: str, data: dict[str, Any]) -> dict[str, Any]:
        data["transaction"] = secrets.token_hex(6)
        return await asyncio.to_thread(_post, url, data)


SSRC = 4242


def _offer(caller: Caller, direction: str) -> str:
    return (
        "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\na=group:BUNDLE 0\r\na=msid-semantic: WMS s\r\n"
        "m=video 9 UDP/TLS/RTP/SAVPF 96 97\r\nc=IN IP4 0.0.0.0\r\na=rtcp-mux\r\na=mid:0\r\n"
        f"a={direction}\r\na=rtpmap:96 VP8/90000\r\na=rtcp-fb:96 nack\r\na=rtcp-fb:96 nack pli\r\n"
        "a=rtcp-fb:96 transport-cc\r\na=rtpmap:97 rtx/90000\r\na=fmtp:97 apt=96\r\n"
        "a=extmap:4 urn:ietf:params:rtp-hdrext:sdes:mid\r\n"
        "a=extmap:3 http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01\r\n"
        f"a=msid:s t\r\na=ssrc:{SSRC} cname:c\r\na=ssrc:{SSRC} msid:s t\r\n" + caller.transport_lines("actpass")
    )


def _answer(caller: Caller, offer: str) -> str:
    """The offer's sections taken as they are, received only."""
    lines: list[str] = []
    kept = (
        "v=",
        "o=",
        "s=",
        "t=",
        "m=",
        "c=",
        "a=group",
        "a=mid",
        "a=rtpmap",
        "a=rtcp-fb",
        "a=fmtp",
        "a=rtcp-mux",
        "a=extmap",
    )
    for line in offer.splitlines():
        if line.startswith("m="):
            lines += [line, "c=IN IP4 0.0.0.0", "a=recvonly", *caller.transport_lines("active").splitlines()]
        elif line.startswith(kept) and not line.startswith("c="):
            lines.append(line)
    return "\r\n".join(lines) + "\r\n"


def _post(url: str, data: dict[str, Any]) -> dict[str, Any]:
    request = urllib.request.Request(url, json.dumps(data).encode(), {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=20) as response:
        return dict(json.load(response))


def _get(url: str) -> Any:
    with urllib.request.urlopen(url, timeout=20) as response:
        return json.load(response)
