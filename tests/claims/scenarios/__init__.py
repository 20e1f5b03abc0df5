"""One module per scenario; see `tests.claims.registry`."""
