"""Operations on apps and API keys."""

from __future__ import annotations

from trunkline.services.apps.keys import Keys
from trunkline.services.operation import Audience, Operation
from trunkline.wire.calls import apps as calls
from trunkline.wire.frames import EmptyResult

SCOPE = "keys"


def operations(keys: Keys) -> list[Operation]:
    """What the operator and app servers can do with apps and keys."""
    operator, servers = Audience.OPERATOR, Audience.SERVERS
    return [
        Operation("app.create", calls.AppCreate, calls.AppCreated, keys.create_app, "", "Create an app", operator),
        Operation("app.list", calls.AppList, calls.Apps, keys.list_apps, "", "List apps", operator, writes=False),
        Operation(
            "app.rotate_key",
            calls.AppRotateKey,
            calls.ApiKey,
            keys.rotate_for,
            "",
            "Make a new key for an app",
            operator,
        ),
        Operation("app.disable", calls.AppDisable, calls.App, keys.disable, "", "Disable or enable an app", operator),
        Operation("key.rotate", calls.KeyRotate, calls.ApiKey, keys.rotate, SCOPE, "Make a new API key", servers),
        Operation("key.list", calls.KeyList, calls.Keys, keys.list_keys, SCOPE, "List API keys", servers, writes=False),
        Operation("key.revoke", calls.KeyRevoke, EmptyResult, keys.revoke, SCOPE, "Revoke an API key", servers),
    ]
