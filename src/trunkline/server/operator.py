"""Operator commands on a store: through the running server when there is one, else by opening the store.

The command line uses it for apps and keys, so that everything can be scripted before the first start.
"""

from __future__ import annotations

import asyncio
from typing import Any, TypeVar
from urllib.parse import quote

import msgspec

from trunkline.base.errors import TrunklineError
from trunkline.protocol.journal.errors import JournalError
from trunkline.server.commands.options import CommandError
from trunkline.server.config import Config
from trunkline.server.master_key import load_admin_token, load_master_key
from trunkline.server.store import StoreUnusable, open_store
from trunkline.server.wiring import System, build
from trunkline.services.access import OPERATOR
from trunkline.store.journal.lock import DataDirectoryLocked
from trunkline.wire.calls.apps import ApiKey, AppRotateKey

Result = TypeVar("Result", bound=msgspec.Struct)


def run_operation(
    config: Config, name: str, path: str, method: str, request: msgspec.Struct, result: type[Result]
) -> Result:
    """Run an operator's operation: offline when the data directory is free, else over REST.

    Raises:
        CommandError: it was refused, or the server does not answer.
    """
    try:
        return asyncio.run(_offline(config, name, request, result))
    except DataDirectoryLocked:
        return ask_server(config, path, method, request, result)
    except (JournalError, StoreUnusable) as error:
        raise CommandError(f"the store in {config.directory} cannot be opened: {error}") from error
    except OSError as error:
        raise CommandError(f"cannot use {error.filename or config.directory}: {error.strerror or error}") from error


async def _offline(config: Config, name: str, request: msgspec.Struct, result: type[Result]) -> Result:
    master_key, admin_token = load_master_key(config), load_admin_token(config)
    store = await open_store(config)
    try:
        system: System = await build(config, store, master_key, admin_token, list, "cli")
        answer: Any = await system.http.operations[name].run(OPERATOR, request)
        await system.engine.commits.settled()
    except TrunklineError as error:
        raise CommandError(f"refused: {error.code.slug}: {error.detail}") from error
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
    finally:
        connection.close()
    if response.status >= 400:
        raise CommandError(f"the server refused: {data.decode(errors='replace')[:300]}")
    return msgspec.json.decode(data, type=result)


def rotate_key(config: Config, app: str, overlap_s: int) -> ApiKey:
    """Make a new key for an app that may do everything; all others end after the overlap.

    Raises:
        CommandError: there is no such app, or the server refuses.
    """
    request = AppRotateKey(app=app, overlap_s=overlap_s)
    return run_operation(
        config, "app.rotate_key", f"/v1/admin/apps/{quote(app, safe='')}/keys", "POST", request, ApiKey
    )
