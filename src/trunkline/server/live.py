"""Live sessions put together: the media host, the sessions, the door; their tokens and their clock."""

from __future__ import annotations

import asyncio
import logging
import secrets
import socket
import string
from collections.abc import Mapping
from pathlib import Path

import psutil

from trunkline.base.errors import Code, TrunklineError
from trunkline.base.secret import Secret
from trunkline.crypto import live_tokens, turn
from trunkline.crypto.keys import SecretDeriver
from trunkline.crypto.live_tokens import LiveClaims, VideoGrant
from trunkline.domain.identity import check_party
from trunkline.domain.live.membership import Standing, party_of
from trunkline.domain.live.quality import INTERVAL_S
from trunkline.edges.livekit.door import Door, Relays
from trunkline.edges.livekit.hooks import Hooks, HookTarget
from trunkline.edges.livekit.http import routes
from trunkline.edges.livekit.room_service import RoomService
from trunkline.media.sfu.engine import SfuEngine
from trunkline.media.sfu.host import Host
from trunkline.server.config import Config
from trunkline.services.apps.authentication import Authentication
from trunkline.services.live import LiveSessions
from trunkline.services.live.places import Places
from trunkline.services.live.seats import LocalSeats
from trunkline.services.live.standings import Standings
from trunkline.services.log.engine import Engine
from trunkline.services.webhooks.ports import Courier

SPEAKERS_S = 0.4
ENFORCE_S = 0.25
"""How often membership is compared with who is there: media of a removed member ends within that time."""
log = logging.getLogger("trunkline.live")
SID_CHARS = 12


class LiveMedia:
    """Everything of live sessions on one server.

    Args:
        config: for the port and the addresses.
        engine: for parties' revocations and the time.
        authentication: for what tokens claim.
        secrets_of: what keys' secrets are.
        courier: posts webhooks.
        standings: who has which place.
        version: the server's.
    """

    def __init__(
        self,
        config: Config,
        engine: Engine,
        authentication: Authentication,
        secrets_of: SecretDeriver,
        courier: Courier,
        standings: Standings,
        version: str,
    ) -> None:
        self._config = config
        self._engine = engine
        self._authentication = authentication
        self._secrets = secrets_of
        self._listened_s = 0.0
        self._speakers_s = self._enforced_s = self._quality_s = 0.0
        self._enforcing: asyncio.Task[None] | None = None
        self._http_port = 0
        addresses = tuple(config.live.addresses) or local_addresses(config.server.host)
        self.host = Host(
            addresses, self._on_tick, config.live.redundancy, config.live.advertised_port, recovery=config.live.recovery
        )
        self.sessions = LiveSessions(SfuEngine(self.host), new_sid, engine.clock.now_ms)
        self.places = Places(engine, standings, LocalSeats(self.sessions, self._mint, self._url))
        self.door = Door(self.sessions, self._verify, self._recheck, self._renew, self._relays, version)
        secret_file = config.live.turn_secret_file
        self._turn_secret = Secret(Path(secret_file).read_text("utf-8").strip() if secret_file else "")
        self.media = self.host.stream if config.live.tcp else None
        targets = tuple(HookTarget.of(text) for text in config.live.webhooks)
        self.hooks = Hooks(targets, courier, self._app_of, self._renew, new_sid)
        if targets:
            self.sessions.happened.watch(self.hooks.on_happening)
        self.routes = routes(self.door, RoomService(self.sessions, self.door.calls))

    async def start(self, http_port: int) -> None:
        """Open the UDP port.

        Raises:
            OSError: it cannot be opened.
        """
        self._http_port = http_port
        if self._config.live.tcp:
            self.host.tcp_port = self._config.live.advertised_tcp_port or http_port
        await self.host.start(self._config.server.host, self._config.live.udp_port or http_port)

    async def stop(self) -> None:
        """End all sessions and close the port."""
        if self._enforcing is not None:
            self._enforcing.cancel()
        self.sessions.close()
        self.host.stop()
        await self.hooks.close()

    def totals(self) -> Mapping[str, int]:
        """What the packet thread has counted; nothing without one."""
        return self.host.totals()

    def sweep(self, now_s: float) -> None:
        """End what is over; to be called every second."""
        self.sessions.sweep(now_s)
        self.door.sweep(now_s)

    def _on_tick(self, now_s: float) -> None:
        self.sessions.listen(min(now_s - self._listened_s, 0.1))
        self._listened_s = now_s
        if now_s - self._speakers_s >= SPEAKERS_S:
            self._speakers_s = now_s
            self.sessions.report_speakers()
            self.sessions.announce(now_s)
        if now_s - self._quality_s >= INTERVAL_S:
            self._quality_s = now_s
            self.sessions.report_quality()
        if now_s - self._enforced_s >= ENFORCE_S and (self._enforcing is None or self._enforcing.done()):
            self._enforced_s = now_s
            self._enforcing = asyncio.get_running_loop().create_task(self._enforce(), name="live-enforce")

    async def _enforce(self) -> None:
        try:
            await self.places.enforce()
        except TrunklineError as error:
            log.warning("membership of live sessions could not be checked", extra={"error": error.code.slug})

    def _verify(self, token: str) -> tuple[str, LiveClaims]:
        key = self._authentication.live_key(live_tokens.issuer_of(token))
        now_s = self._engine.clock.now_ms() // 1000
        return key.app, live_tokens.verify(token, self._secrets.secret_of(key.key), now_s)

    def _app_of(self, key: str) -> str:
        return self._authentication.live_key(key).app

    async def _recheck(self, app: str, claims: LiveClaims) -> Standing | None:
        """Refuse a party that is no member, or whose tokens were revoked; other identities have nothing to revoke."""
        self._authentication.live_key(claims.iss)
        standing = await self.places.check(app, claims.video.room, claims.sub)
        party = party_of(claims.sub)
        try:
            check_party(party)
        except TrunklineError:
            return standing
        state = await self._engine.party(app, party)
        if state.refuses(claims.sub.partition("#")[2], claims.nbf):
            raise TrunklineError(Code.TOKEN_REVOKED, f"This token of {party} was revoked.")
        return standing

    def _mint(self, key: str, identity: str, room: str, lifetime_s: int) -> str:
        grant = VideoGrant(room=room, room_join=True)
        now_s = self._engine.clock.now_ms() // 1000
        secret = self._secrets.secret_of(key)
        return live_tokens.mint(key, secret, identity, grant, now_s=now_s, lifetime_s=lifetime_s)

    def _renew(self, claims: LiveClaims, lifetime_s: int) -> str:
        now_s = self._engine.clock.now_ms() // 1000
        return live_tokens.renew(claims, self._secrets.secret_of(claims.iss), now_s=now_s, lifetime_s=lifetime_s)

    def _relays(self, identity: str) -> Relays:
        live = self._config.live
        if not live.turn_urls:
            return Relays()
        expires_s = self._engine.clock.now_ms() // 1000 + live.turn_lifetime_s
        return Relays(tuple(live.turn_urls), *turn.credentials(self._turn_secret, identity, expires_s))

    def _url(self) -> str:
        """Where clients connect: the public address, or the first of this machine."""
        server = self._config.server
        if server.public_url:
            return "ws" + server.public_url.removeprefix("http").rstrip("/")
        scheme = "wss" if self._config.tls.certificate else "ws"
        address = self.host.addresses[0]
        return f"{scheme}://{f'[{address}]' if ':' in address else address}:{self._http_port}"


def new_sid(prefix: str) -> str:
    """A random id in the protocol's form."""
    alphabet = string.ascii_letters + string.digits
    return prefix + "".join(secrets.choice(alphabet) for _ in range(SID_CHARS))


def local_addresses(host: str) -> tuple[str, ...]:
    """The literal addresses at which this machine can be reached, when bound to ``host``."""
    if host not in ("0.0.0.0", "::", ""):  # noqa: S104 - compared, not bound
        return (host,) if _is_literal(host) else (socket.gethostbyname(host),)
    family = socket.AF_INET6 if host == "::" else socket.AF_INET
    found = [
        address.address
        for addresses in psutil.net_if_addrs().values()
        for address in addresses
        if address.family == family and not address.address.startswith("fe80")
    ]
    # Loopback last: only clients on this machine can use it.
    return tuple(sorted(found, key=lambda text: text.startswith("127.") or text == "::1"))


def _is_literal(host: str) -> bool:
    for family in (socket.AF_INET, socket.AF_INET6):
        try:
            socket.inet_pton(family, host)
        except OSError:
            continue
        return True
    return False
