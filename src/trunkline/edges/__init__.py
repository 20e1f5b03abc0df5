"""Translators between the outside and the services: the WebSocket link and REST.

An edge parses, authenticates, calls a service and phrases the answer. What is not here: rules of its
own, and storage. Edges never import ``store``, and one edge never imports another.
"""
