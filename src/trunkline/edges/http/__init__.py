"""The REST edge: every operation as a resource, its OpenAPI document, health and metrics."""

from trunkline.edges.http.app import create_app
from trunkline.edges.http.deps import (
    AllowedOrigins,
    AnswerBook,
    Authenticator,
    HttpConfig,
    HttpDeps,
    Observation,
    RequestRates,
    ShownSecrets,
)

__all__ = [
    "AllowedOrigins",
    "AnswerBook",
    "Authenticator",
    "HttpConfig",
    "HttpDeps",
    "Observation",
    "RequestRates",
    "ShownSecrets",
    "create_app",
]
