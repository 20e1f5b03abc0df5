"""The Python SDK: what ``pip install trunkline`` brings.

Here live the asyncio client, its durable outbox, its local history and its reconnection. It imports
``wire``, ``protocol``, ``crypto`` and ``base`` and nothing else of Trunkline, so that an application
does not carry the server along.
"""
