"""The systems under test, each started with its own configuration in a temporary directory."""

from bench.peers.base import System, Unavailable, label, load, running

__all__ = ["System", "Unavailable", "label", "load", "running"]
