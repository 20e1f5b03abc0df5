"""Requests and results of every operation, one module per feature.

The same Structs serve the link, REST (and its OpenAPI document) and the SDKs. Unknown fields
of a request are ignored, so that old servers accept new clients.
"""
