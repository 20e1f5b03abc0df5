"""Time from starting the program on a large store to the first acknowledged message."""

from __future__ import annotations

from bench.peers.trunkline import Trunkline
from bench.processes import ServerFailed
from bench.results import Section
from bench.settings import Settings


def measure(settings: Settings, system: Trunkline) -> Section:
    """Fills a store, starts on it, sends one message."""
    raise ServerFailed("the store is not there yet")
