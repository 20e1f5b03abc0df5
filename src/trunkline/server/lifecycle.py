"""The server's life: open, listen, care, reload, drain, close."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import signal
import ssl
import time
from collections.abc import Callable, Coroutine
from importlib import metadata
from pathlib import Path
from typing import Any

import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.server import ServerState

from trunkline.base.errors import Code, TrunklineError
from trunkline.domain.limits import Rate
from trunkline.edges.http import create_app
from trunkline.edges.http.files import file_routes
from trunkline.edges.link.front import connect
from trunkline.edges.port import Port
from trunkline.protocol.journal.errors import JournalClosed
from trunkline.server.config import Config, ConfigError, load_config
from trunkline.server.listening import Listener, listen
from trunkline.server.master_key import load_admin_token, load_master_key
from trunkline.server.runtime import Collector
from trunkline.server.store import Store, open_store
from trunkline.server.wiring import System, build, link_limits, room_limits, windows
from trunkline.services.sessions.outgoing import Outgoing

log = logging.getLogger("trunkline.server")
SWEEP_S = 1.0
PRUNE_S = 3600.0
TRIM_S = 30.0


def version() -> str:
    """The installed version."""
    try:
        return metadata.version("trunkline")
    except metadata.PackageNotFoundError:
        return "0.0.0"


class Server:
    """One running server.

    Args:
        config: checked configuration.
        config_path: the file to read again on SIGHUP.
    """

    def __init__(self, config: Config, config_path: Path | None = None) -> None:
        self.config = config
        self.port = 0
        self.system: System
        self.store: Store
        self._config_path = config_path
        self._listener: Listener
        self._tls: ssl.SSLContext | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._draining = False
        self._http_state = ServerState()

    async def start(self) -> None:
        """Open the store, connect everything and listen.

        Raises:
            ConfigError: the keys or the certificate cannot be used.
            OSError: the directory or the port cannot be used.
            JournalError: the journal is damaged or locked.
        """
        config = self.config
        self._tls = self._load_tls()
        master_key, admin_token = load_master_key(config), load_admin_token(config)
        self.store = await open_store(config)
        try:
            self.system = await build(config, self.store, master_key, admin_token, self._readiness, version())
            await self.system.webhooks.start()
            await self._listen()
        except BaseException:
            await self.store.close()
            raise
        self.store.index.projector.on_delay(
            lambda error: log.warning("the index cannot be written; trying again", extra={"error": str(error)})
        )
        self._spawn(self.system.webhooks.outbox.run(), "webhooks")
        self._spawn(self._sweep(), "sweep")
        self._spawn(self._expire(), "expire")
        self._spawn(self._trim(), "trim")
        self._spawn(self.system.broadcasts.run(), "broadcasts")
        self._spawn(self.system.quizzes.deadlines.run(), "quizzes")
        self._spawn(self._prune(), "prune")
        if self.system.files is not None:
            self._spawn(self.system.files.run(), "files")
        report = self.store.journal.report
        log.info("listening", extra={"host": config.server.host, "port": self.port, "recovered": report.describe()})

    async def _listen(self) -> None:
        live, files = self.system.live, self.system.files
        settings = uvicorn.Config(
            create_app(
                self.system.http,
                [
                    *(file_routes(self.system.http, files.uploads, files.downloads) if files is not None else ()),
                    *(live.routes if live is not None else ()),
                ],
            ),
            log_config=None,
            access_log=False,
            ws="none",
            lifespan="off",
            proxy_headers=False,
            server_header=False,
            timeout_keep_alive=75,
        )
        settings.load()
        loop = asyncio.get_running_loop()
        # Sessions opened before the first sweep take the hub's time as when they were heard.
        self.system.hub.monotonic_s = loop.time()
        system = self.system
        system.native = connect(system.link, system.delivery, loop, system.metrics)
        port = Port(
            self.system.link,
            lambda: HttpToolsProtocol(settings, self._http_state, {}),
            live.door if live is not None else None,
            system.native,
            live.media if live is not None else None,
        )
        self._listener = await listen(loop, port, self.config.server, self._tls)
        self.port = self._listener.sockets[0].getsockname()[1]
        if live is not None:
            await live.start(self.port)
            self.system.metrics.media = live.totals

    def _load_tls(self) -> ssl.SSLContext | None:
        tls = self.config.tls
        if not tls.certificate:
            return None
        context = self._tls or ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        try:
            # First where a failure does no harm: a pair that does not match would leave a live context broken.
            ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(tls.certificate, tls.key)
            context.load_cert_chain(tls.certificate, tls.key)
        except (OSError, ssl.SSLError) as error:
            raise ConfigError(f"[tls] the certificate or key cannot be used: {error}") from error
        return context

    def _readiness(self) -> list[tuple[str, bool, str]]:
        engine = self.system.engine
        failure = engine.commits.failure
        return [
            ("store", failure is None, "" if failure is None else failure.detail),
            ("index", not engine.index_behind, f"{engine.lag} records behind"),
            ("draining", not self._draining, "shutting down" if self._draining else ""),
        ]

    # --- care -------------------------------------------------------------------------------

    def _spawn(self, work: Coroutine[Any, Any, None], name: str) -> None:
        task = asyncio.get_running_loop().create_task(work, name=name)
        self._tasks.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and task.exception() is not None:
            log.error("a background task failed", exc_info=task.exception(), extra={"task": task.get_name()})

    async def _sweep(self) -> None:
        loop = asyncio.get_running_loop()
        collector = Collector()
        collector.settle()
        while True:
            due = loop.time() + SWEEP_S
            await asyncio.sleep(SWEEP_S)
            self.system.metrics.loop_lag.observe(max(0.0, loop.time() - due))
            self.system.hub.sweep(loop.time())
            self.system.rooms.directory.sweep()
            if self.system.live is not None:
                self.system.live.sweep(time.monotonic())
            collector.collect()
            self.system.keys.close_expired()

    async def _expire(self) -> None:
        """Act on messages and cards whose time is up; a refused one is tried again in the next round."""
        engine, deadlines = self.system.engine, self.system.deadlines
        while True:
            await asyncio.sleep(SWEEP_S)
            due = await engine.index.expiring(engine.clock.now_ms(), 500)
            if not due:
                continue
            for app, conversation, seq, _ in due:
                try:
                    if await deadlines.expire(app, conversation, seq):
                        self.system.metrics.expired.inc()
                except TrunklineError as error:
                    log.warning("a message could not be expired", extra={"error": error.code.slug})
            with contextlib.suppress(TrunklineError):
                await engine.commits.settled()
                # What the index still shows as due would be expired again.
                await engine.projected(engine.committed_lsn)

    async def _trim(self) -> None:
        """Drop journal segments that are projected durably and not kept for backups."""
        while True:
            await asyncio.sleep(TRIM_S)
            journal = self.store.journal
            keep = self.config.store.keep_journal_bytes
            excess = journal.size_bytes - keep
            before = 0
            for segment in journal.segments()[:-1]:
                if excess <= 0 or segment.last_lsn > self.store.index.projector.durable_lsn:
                    break
                excess -= segment.size_bytes
                before = segment.last_lsn + 1
            if before:
                try:
                    await asyncio.get_running_loop().run_in_executor(None, journal.trim, before)
                except (OSError, JournalClosed) as error:
                    log.warning("the journal could not be trimmed; trying again", extra={"error": str(error)})

    async def _prune(self) -> None:
        while True:
            await asyncio.sleep(PRUNE_S)
            await self.store.index.prune(self.system.engine.clock.now_ms())

    # --- reload and end ---------------------------------------------------------------------

    def reload(self) -> None:
        """Read limits, CORS origins and the TLS certificate again; a bad configuration changes nothing."""
        try:
            fresh = load_config(self._config_path)
            before, self.config = self.config, fresh
            try:
                self._load_tls()
            except ConfigError:
                self.config = before
                raise
        except ConfigError as error:
            log.error("configuration not reloaded", extra={"error": str(error)})
            return
        if bool(fresh.tls.certificate) is (self._tls is None):
            log.warning("[tls] was switched on or off: that takes effect at the next start")
        limits = fresh.limits
        system = self.system
        system.link.limits = link_limits(limits)
        system.changes.windows = windows(limits)
        system.rooms.directory.limits = room_limits(fresh.rooms)
        system.cards.red_packets = fresh.cards.red_packets
        system.http.origins.origins = tuple(fresh.server.cors_origins)
        system.rates.configure(Rate(limits.key_rate, limits.key_burst), Rate(limits.party_rate, limits.party_burst))
        log.info("configuration reloaded")

    async def stop(self) -> None:
        """Drain: tell clients to go elsewhere, finish what was accepted, close the store."""
        self._draining = True
        system = self.system
        system.link.draining = True
        drain_s = self.config.server.drain_s
        self._listener.close()
        notice = Outgoing("draining", {"reconnect_in_ms": int(drain_s * 1000)})
        for session in list(system.hub.sessions.values()):
            session.push(notice)
        deadline = asyncio.get_running_loop().time() + drain_s
        while (system.hub.sessions or self._http_state.connections) and asyncio.get_running_loop().time() < deadline:
            for connection in list(self._http_state.connections):
                connection.shutdown()
            await asyncio.sleep(0.05)
        with contextlib.suppress(TrunklineError):
            await system.engine.commits.settled()
        await system.webhooks.stop()
        system.hub.close_all(Code.DRAINING)
        if system.live is not None:
            await system.live.stop()
        for task in tuple(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await system.backups.close()
        if system.files is not None:
            await system.files.close()
        if system.native is not None:
            system.native.close()
        await self.store.close()
        log.info("stopped")


async def run(config: Config, config_path: Path | None, on_ready: Callable[[Server], None]) -> None:
    """Serve until SIGTERM or SIGINT; SIGHUP reloads."""
    server = Server(config, config_path)
    await server.start()
    ended = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, ended.set)
    loop.add_signal_handler(signal.SIGHUP, server.reload)
    on_ready(server)
    await ended.wait()
    await server.stop()
