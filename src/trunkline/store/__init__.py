"""Adapters that remember: the file journal and the SQLite projections.

Here live the implementations of the storage ports that ``services`` declares. What is not here:
rules about messages (they are in ``domain``) and anything about connections. Edges never import
this layer; only the composition root names it.
"""
