"""Benchmarks of the web components in Debian's Chromium: `make bench-web`."""
