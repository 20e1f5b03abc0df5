"""Use cases: one folder per feature, each with its own ``ports.py``.

A service authorises a command, asks the domain to decide, hands records to the journal port and
returns what happened. What is not here: sockets, HTTP, SQL and concrete adapters. What a service
needs from outside it names as a protocol in ``ports.py``; a store or an edge provides it.
"""
