"""A small link server in memory for tests of clients: follows ``spec/link.md``, with faults on demand.

It keeps nothing on disk and checks no tokens; what a client must survive is easier to produce here than with the real
server, against which ``tests/integration`` runs the same client.
"""
