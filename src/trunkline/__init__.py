"""Trunkline: people, devices and bots in durable, ordered conversations.

The package is layered; an outer layer may import an inner one, never the reverse:
``server > edges > store > services > domain > protocol > crypto > wire > base``.
``client`` (the SDK) stands beside them and imports only the four innermost ones.
``ARCHITECTURE.md`` explains the picture, and ``lint-imports`` enforces it.
"""

__version__ = "0.1.0"
