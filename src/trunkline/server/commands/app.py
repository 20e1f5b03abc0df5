"""``trunkline app create|list|rotate-key|disable|enable`` and ``trunkline token``."""

from __future__ import annotations

import argparse
import json
import sys
from typing import Any
from urllib.parse import quote

import msgspec

from trunkline.base.errors import TrunklineError
from trunkline.domain.identity import check_party
from trunkline.server.commands.options import CommandError, add_config, config_of
from trunkline.wire.calls import apps as calls


def add(commands: Any) -> None:
    """Offer the commands."""
    app: argparse.ArgumentParser = commands.add_parser("app", help="create and list apps, rotate their keys")
    actions = app.add_subparsers(dest="action", required=True, metavar="ACTION")
    create = actions.add_parser("create", help="create an app and its first API key")
    create.add_argument("name")
    listing = actions.add_parser("list", help="list apps")
    rotate = actions.add_parser("rotate-key", help="make a new API key; the old ones end after the overlap")
    rotate.add_argument("app", help="app id (a_...)")
    rotate.add_argument("--overlap", type=int, default=86_400, metavar="SECONDS", help="how long old keys live on")
    disable = actions.add_parser("disable", help="shut an app out: connections close, its keys and tokens are refused")
    disable.add_argument("app", help="app id (a_...)")
    enable = actions.add_parser("enable", help="let a disabled app in again")
    enable.add_argument("app", help="app id (a_...)")
    runs = (run_create, run_list, run_rotate, run_disable, run_enable)
    for parser, run in zip((create, listing, rotate, disable, enable), runs, strict=True):
        add_config(parser)
        parser.set_defaults(run=run)
    token = commands.add_parser("token", help="mint a client token offline")
    token.add_argument("--key", required=True, help="API key")
    token.add_argument("--secret", required=True, help="its secret (or - to read it from standard input)")
    token.add_argument("--party", required=True, help="for whom, such as user/u1")
    token.add_argument("--device", help="bind the token to one device")
    token.add_argument("--ttl", type=int, default=3600, metavar="SECONDS", help="lifetime (default one hour)")
    token.add_argument("--video", action="store_true", help="also grant live sessions")
    token.add_argument("--json", action="store_true", help="print JSON")
    token.set_defaults(run=run_token)


def _print(value: msgspec.Struct, as_json: bool, text: str) -> int:
    print(msgspec.json.encode(value).decode() if as_json else text)
    return 0


def run_create(options: argparse.Namespace) -> int:
    """Create an app."""
    from trunkline.server.operator import run_operation

    made = run_operation(
        config_of(options), "app.create", "/v1/admin/apps", "POST", calls.AppCreate(options.name), calls.AppCreated
    )
    if options.json:
        print(json.dumps({"app": made.app.app, "name": made.app.name, "key": made.key.key, "secret": made.key.secret}))
        return 0
    print(f"app     {made.app.app}  ({made.app.name})\nkey     {made.key.key}\nsecret  {made.key.secret}")
    print("Keep the secret in your backend; it is not shown again.", file=sys.stderr)
    return 0


def run_list(options: argparse.Namespace) -> int:
    """List apps."""
    from trunkline.server.operator import run_operation

    found = run_operation(config_of(options), "app.list", "/v1/admin/apps", "GET", calls.AppList(), calls.Apps)
    lines = [f"{app.app}  {app.name}{'  (disabled)' if app.disabled else ''}" for app in found.apps]
    return _print(found, options.json, "\n".join(lines) or "No apps yet.")


def run_rotate(options: argparse.Namespace) -> int:
    """Make a new key for an app."""
    from trunkline.server.operator import rotate_key

    made = rotate_key(config_of(options), options.app, options.overlap)
    return _print(made, options.json, f"key     {made.key}\nsecret  {made.secret}")


def run_disable(options: argparse.Namespace) -> int:
    """Shut an app out."""
    return _set_disabled(options, on=True)


def run_enable(options: argparse.Namespace) -> int:
    """Let an app in again."""
    return _set_disabled(options, on=False)


def _set_disabled(options: argparse.Namespace, *, on: bool) -> int:
    from trunkline.server.operator import run_operation

    path, method = f"/v1/admin/apps/{quote(options.app, safe='')}/disabled", "PUT" if on else "DELETE"
    request = calls.AppDisable(options.app, on)
    app = run_operation(config_of(options), "app.disable", path, method, request, calls.App)
    return _print(app, options.json, f"{app.app}  {app.name} is {'disabled' if app.disabled else 'enabled'}")


def run_token(options: argparse.Namespace) -> int:
    """Mint a token."""
    from trunkline.client.tokens import mint_token

    try:
        check_party(options.party, "--party")
    except TrunklineError as error:
        raise CommandError(error.detail) from None
    secret = sys.stdin.readline().strip() if options.secret == "-" else options.secret
    grants: dict[str, Any] = {"im": {}} | ({"video": {}} if options.video else {})
    token = mint_token(options.key, secret, options.party, ttl_s=options.ttl, device=options.device, grants=grants)
    print(json.dumps({"token": token, "party": options.party, "ttl_s": options.ttl}) if options.json else token)
    return 0
