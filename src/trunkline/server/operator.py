"""Operator commands on a store: through the running server when there is one, else by opening the store.

The command line uses it for apps and keys, so that everything can be scripted before the first start.
"""

from __future__ import annotations

import asyncio
from typing import Any, TypeVar

import msgspec

from trunkline.base.errors import TrunklineError
from trunkline.server.commands.options import CommandError
from trunkline.server.config import Config
from trunkline.server.master_key import load_admin_token, load_master_key
from trunkline.server.store import open_store
from trunkline.server.wiring import System, build
from trunkline.services.access import OPERATOR
from trunkline.store.journal.lock import DataDirectoryLocked
from trunkline.wire.calls.apps import ALL_SCOPES, ApiKey, KeyRotate

Result = TypeVar("Result", bound=msgspec.Struct)


def run_operation(
    config: Config, name: str, path: str, method: str, request: msgspec.Struct, result: type[Result]
) -> Result:
    """Run an operator's operation: offline when the data directory is free, else over REST."""
    try:
        return asyncio.run(_offline(config, name, request, result))
    except DataDirectoryLocked:
        return ask_server(config, path, method, request, result)


async def _offline(config: Config, name: str, request: msgspec.Struct, result: type[Result]) -> Result:
    master_key, admin_token = load_master_key(config), load_admin_token(config)
    store = await open_store(config)
    try:
        system: System = await build(config, store, master_key, admin_token, list, "cli")
        answer: Any = await system.http.operations[name].run(OPERATOR, request)
        await system.engine.commits.settled()
    finally:
        await store.close()
    if not isinstance(answer, result):
        raise TypeError(f"{name} answered {type(answer).__name__}")
    return answer


def ask_server(config: Config, path: str, method: str, request: msgspec.Struct, result: type[Result]) -> Result:
    """Ask the running server as the operator.

    Raises:
        CommandError: it does not answer, or refuses.
    """
    import http.client
    import ssl

    token = load_admin_token(config).reveal()
    host = config.server.host if config.server.host not in ("0.0.0.0", "::") else "localhost"  # noqa: S104 - compared, not bound
    connection: http.client.HTTPConnection
    if config.tls.certificate:
        # Our own server on this machine, found through its own files: its certificate need not name this address.
        context = ssl.create_default_context()
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        connection = http.client.HTTPSConnection(host, config.server.port, timeout=10, context=context)
    else:
        connection = http.client.HTTPConnection(host, config.server.port, timeout=10)
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    body = msgspec.json.encode(request) if method != "GET" else None
    try:
        connection.request(method, path, body=body, headers=headers)
        response = connection.getresponse()
        data = response.read()
    except OSError as error:
        raise CommandError(
            f"a server holds {config.directory}, but does not answer on {host}:{config.server.port} ({error}); "
            "give the same --config, --host and --port as the server has"
        ) from error
    if response.status >= 400:
        raise CommandError(f"the server refused: {data.decode(errors='replace')[:300]}")
    return msgspec.json.decode(data, type=result)


def rotate_key(config: Config, app: str, overlap_s: int) -> ApiKey:
    """Make a new key for an app, offline or through the running server."""
    try:
        return asyncio.run(_rotate_offline(config, app, overlap_s))
    except DataDirectoryLocked:
        request = KeyRotate(overlap_s=overlap_s)
        return ask_server(config, f"/v1/admin/apps/{app}/keys", "POST", request, ApiKey)


async def _rotate_offline(config: Config, app: str, overlap_s: int) -> ApiKey:
    master_key, admin_token = load_master_key(config), load_admin_token(config)
    store = await open_store(config)
    try:
        system = await build(config, store, master_key, admin_token, list, "cli")
        key = system.keys.rotate_key(app, overlap_s, "", ALL_SCOPES)
        await system.engine.commits.settled()
        return key
    except TrunklineError as error:
        raise CommandError(f"{error.code.slug}: {error.detail}") from error
    finally:
        await store.close()
