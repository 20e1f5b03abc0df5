"""What the REST edge needs from the rest of the server: ports, limits and configuration.

The composition root (``trunkline.server``) fills these in; tests of this edge alone fill in others.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol

from trunkline.base.clock import Clock, Randomness
from trunkline.domain.identity import Caller
from trunkline.domain.limits import Buckets, Rate, Verdict
from trunkline.edges.http.site import Site
from trunkline.services.log.index_port import Remembered
from trunkline.services.operation import Gate, Operation


class Authenticator(Protocol):
    """Checks credentials. Every method raises ``TrunklineError`` (2xxx) for ones that do not hold."""

    async def authenticate_server(self, key: str, secret: str, party: str | None) -> Caller:
        """An app server with its API key and secret, acting as ``party`` or as the system."""
        ...

    async def authenticate_client(self, token: str) -> Caller:
        """A client with a token that an app server minted."""
        ...

    async def authenticate_operator(self, token: str) -> None:
        """Whoever runs the deployment, with the admin token."""
        ...


class AnswerBook(Protocol):
    """Answers to requests with an Idempotency-Key, kept in the journal with their effects."""

    async def recall_answer(self, app: str, key: str) -> Remembered | None:
        """The answer given before, whether on disk already or still pending."""
        ...

    def remember(self, app: str, key: str, request_hash: bytes, status: int, body: bytes) -> None:
        """Put the answer into the commit group of the effect that was decided just now.

        Called on the event loop with no await since the effect, so that both are durable or neither.
        """
        ...


class Check(NamedTuple):
    """One thing readiness depends on."""

    name: str
    ok: bool
    detail: str


class Observation(NamedTuple):
    """One finished request, for metrics. ``route`` is a template and so has few values."""

    method: str
    route: str
    status: int
    took_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpConfig:
    """Settings of this edge.

    Attributes:
        max_body_bytes: the largest request body accepted.
        body_timeout_s: how long a body may take to arrive.
        request_timeout_s: how long an operation may take before the answer is 5003.
        trusted_proxies: addresses or networks whose X-Forwarded-For and X-Forwarded-Proto are believed.
        public_url: the address in the OpenAPI document, when it is not the one asked.
        metrics_open: serve /metrics to anyone; otherwise to loopback and to the admin token.
        docs: serve /docs, /errors, /v1/openapi.json and built pages.
        version: of the server, shown in the OpenAPI document.
    """

    max_body_bytes: int = 1 << 20
    body_timeout_s: float = 30.0
    request_timeout_s: float = 30.0
    trusted_proxies: tuple[str, ...] = ()
    public_url: str = ""
    metrics_open: bool = False
    docs: bool = True
    version: str = "0.1.0"


@dataclass(slots=True)
class AllowedOrigins:
    """Origins whose pages may call (``https://app.example``), ``*`` for all; may change while running.

    Credentials travel in the Authorization header only, never in cookies.
    """

    origins: tuple[str, ...] = ()


class RequestRates:
    """Request rates, per API key for app servers and per party for clients; may change while running."""

    def __init__(self, per_key: Rate | None = None, per_party: Rate | None = None) -> None:
        self._keys: Buckets[tuple[str, str]] = Buckets(per_key or Rate(per_s=1000.0, burst=2000))
        self._parties: Buckets[tuple[str, str]] = Buckets(per_party or Rate(per_s=20.0, burst=100))

    def configure(self, per_key: Rate, per_party: Rate) -> None:
        """Change both rates at once, for new requests."""
        self._keys.rate = per_key
        self._parties.rate = per_party

    def rate_for(self, caller: Caller) -> Rate:
        """The rate that holds for a caller."""
        return self._keys.rate if caller.server else self._parties.rate

    def take(self, caller: Caller, now_s: float, cost: int = 1) -> Verdict:
        """Count a request of ``caller``."""
        if caller.server:
            return self._keys.take((caller.app, caller.key), now_s, cost)
        return self._parties.take((caller.app, caller.party), now_s, cost)


def _unobserved(observation: Observation) -> None:
    """Drop it."""


class ShownSecrets(NamedTuple):
    """Secrets that an answer shows once, made again to repeat that answer; they are never stored."""

    of_key: Callable[[str], str] = lambda key: ""
    """Of an API key."""
    of_webhook: Callable[[str, int], str] = lambda webhook, generation: ""
    """Of a webhook, in one of its generations."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpDeps:
    """Everything the edge is given.

    Attributes:
        operations: by name, as in section 8 of the link's specification.
        gate: holds answers back until what they saw is durable.
        authenticator: checks credentials.
        answers: remembers answers to idempotent requests.
        clock: for rate limits and durations.
        randomness: for request ids.
        readiness: what the server depends on, now; ready when all are ok.
        metrics: the Prometheus text.
        secrets: to repeat the answers that showed them.
        observe: told of every finished request.
        rates: request limits.
        origins: whose pages may call.
        site: built pages; served where ``config.docs`` is.
        config: settings.
    """

    operations: Mapping[str, Operation]
    gate: Gate
    authenticator: Authenticator
    answers: AnswerBook
    clock: Clock
    randomness: Randomness
    readiness: Callable[[], Sequence[tuple[str, bool, str]]]
    metrics: Callable[[], bytes]
    secrets: ShownSecrets = field(default_factory=ShownSecrets)
    observe: Callable[[Observation], None] = _unobserved
    rates: RequestRates = field(default_factory=RequestRates)
    origins: AllowedOrigins = field(default_factory=AllowedOrigins)
    site: Site = field(default_factory=Site)
    config: HttpConfig = field(default_factory=HttpConfig)
