"""The demo after its story: the server with the pages, the scene, the audience, until somebody presses Ctrl-C.

Not here: what the console shows before (``story``).
"""

from __future__ import annotations

import asyncio
import shutil
from functools import partial
from pathlib import Path

from trunkline.client import ClientStopped, RequestFailed
from trunkline.client.tokens import mint_token
from trunkline.server.config import Config
from trunkline.server.demo import lan, site
from trunkline.server.demo.audience import Audience
from trunkline.server.demo.cast import Connector, set_the_scene
from trunkline.server.demo.process import ServerProcess
from trunkline.wire.calls.apps import ApiKey


class Stage:
    """The site of one run.

    Args:
        config: where the data goes and on which port.
        built: where the built pages are.
        tls: serve HTTPS to the network, for phones.
    """

    def __init__(self, config: Config, built: Path, *, tls: bool) -> None:
        self._config = config
        self._built = built
        self._run = config.directory.absolute().parent / f"{config.directory.name}.web"
        self._tls = tls
        self.certificate: Path | None = None
        """What clients have to trust; there once the server is."""
        self._address = lan.lan_address() if tls else "127.0.0.1"

    @property
    def url(self) -> str:
        """Where to look at it."""
        return f"{'https' if self._tls else 'http'}://{self._address}:{self._config.server.port}"

    def server(self, key: ApiKey) -> ServerProcess:
        """A server with the pages; on the data of the run."""
        folders = site.prepare(self._run, self._built, partial(_mint, key))
        settings = {"WEB__DIRECTORIES": ",".join(map(str, folders)), "SEARCH__ENABLED": "true"}
        local = f"http://127.0.0.1:{self._config.server.port}"
        if self._tls:
            self.certificate, private = lan.make_certificate(self._run / "tls", [self._address])
            # Never below a folder that is served.
            private = private.rename(
                self._config.directory.absolute().parent / f"{self._config.directory.name}.tls.key"
            )
            local = local.replace("http", "https", 1)
            settings |= {
                "TLS__CERTIFICATE": str(self.certificate),
                "TLS__KEY": str(private),
                "SERVER__HOST": "0.0.0.0",  # noqa: S104 - that is what TLS=1 asks for
                "SERVER__PUBLIC_URL": self.url,
                "LIVE__ADDRESSES": ",".join(dict.fromkeys([self._address, "127.0.0.1"])),
            }
        directory = self._config.directory.absolute()
        log = directory.parent / f"{directory.name}.log"
        server = ServerProcess(directory, self._config.server.port, log, url=local, settings=settings)
        server.trust = lan.trust(self.certificate) if self.certificate is not None else None
        return server

    def explain(self) -> None:
        """Say where to look."""
        if not site.is_built(self._built):
            print(f"\nThe site is not built (make web builds it); the server is at {self.url}", flush=True)
            return
        print(f"\nOpen it in two windows, and be somebody else in each:\n\n    {self.url}\n", flush=True)
        if not self._tls:
            print("  On a phone in the same network: make demo TLS=1", flush=True)
            return
        code = lan.qr_code(self.url)
        print(code or "  (no code to scan: pip install 'trunkline[demo]')")
        print("  The certificate is made by this run: the browser warns once; go on from there.", flush=True)

    async def play(self, server: ServerProcess, key: ApiKey) -> None:
        """Set the scene and keep the audience, until cancelled."""
        connector = Connector(server.url, partial(_mint, key), server.trust)
        try:
            await set_the_scene(connector)
            await Audience(connector).run()
        except (RequestFailed, ClientStopped) as error:
            print(f"  the scene could not be set: {error}", flush=True)
            await asyncio.Event().wait()

    def clean(self) -> None:
        """Remove what only this run could use: the tokens of its personas."""
        shutil.rmtree(self._run, ignore_errors=True)


def _mint(key: ApiKey, party: str) -> str:
    return mint_token(key.key, key.secret, party, ttl_s=site.TOKEN_S)
