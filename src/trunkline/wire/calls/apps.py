"""Apps and their API keys: for the operator and for app servers."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta, Struct, field

Scope = Literal["messages", "groups", "parties", "tokens", "keys", "privacy", "stats", "webhooks"]
ALL_SCOPES: tuple[Scope, ...] = ("messages", "groups", "parties", "tokens", "keys", "privacy", "stats", "webhooks")


class AppCreate(Struct):
    """Operator: create a tenant with its first key."""

    name: Annotated[str, Meta(min_length=1, max_length=200)]


class App(Struct, omit_defaults=True):
    """A tenant."""

    app: str
    name: str
    created_at_ms: int
    disabled: bool = False


class ApiKey(Struct, omit_defaults=True):
    """An API key. ``secret`` is shown once, when the key is made."""

    app: str
    key: str
    scopes: list[str]
    created_at_ms: int
    expires_at_ms: int = 0
    revoked: bool = False
    secret: str = ""


class AppCreated(Struct):
    """The tenant and its first key, secret included."""

    app: App
    key: ApiKey


class AppList(Struct):
    """Operator: list tenants."""


class Apps(Struct):
    """Tenants, oldest first."""

    apps: list[App]


class AppDisable(Struct):
    """Operator: shut a tenant out (sockets close, REST is refused), or with ``on: false`` let it in again."""

    app: Annotated[str, Meta(min_length=1, max_length=64)]
    on: bool = True


class KeyRotate(Struct, kw_only=True):
    """Make a new key; the old ones of the app (or the one named) end after ``overlap_s``."""

    overlap_s: Annotated[int, Meta(ge=0, le=31_536_000)] = 86_400
    replaces: Annotated[str, Meta(max_length=64)] = ""
    scopes: Annotated[list[Scope], Meta(min_length=1)] = field(default_factory=lambda: list(ALL_SCOPES))


class AppRotateKey(KeyRotate, kw_only=True):
    """Operator: make a new key for a tenant, as when its own were lost."""

    app: Annotated[str, Meta(min_length=1, max_length=64)]


class KeyList(Struct):
    """List the app's keys (without secrets)."""


class Keys(Struct):
    """Keys, oldest first."""

    keys: list[ApiKey]


class KeyRevoke(Struct):
    """End a key at once: sockets whose tokens it signed close."""

    key: Annotated[str, Meta(min_length=1, max_length=64)]
