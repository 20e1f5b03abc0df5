"""The server and the connections of the tests of rooms."""

from tests.integration.rooms.conftest import app, connect, server

__all__ = ["app", "connect", "server"]
