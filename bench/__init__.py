"""Benchmarks: one command that measures Trunkline and its peers in one run (``python -m bench``)."""
