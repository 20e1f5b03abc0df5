"""The composition root: configuration, wiring, lifecycle, command line and demo.

This is the only layer that names concrete adapters and that owns the event loop, threads and
signals. What is not here: rules about messages and translations of protocols.
"""
