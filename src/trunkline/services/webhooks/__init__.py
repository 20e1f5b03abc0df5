"""Webhooks: telling app servers what became durable, asking them before a message is accepted, and letting them pull.

The rules are in ``domain.webhooks``; here are the tasks that carry them out, and the ports they need.
"""
