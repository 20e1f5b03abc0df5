"""The rules of conversations, and nothing else.

Here live identity, the log and its numbering, membership and roles, receipts, unread counts, the
inbox and settings, as plain values and functions that never wait. What is not here: input and
output, the clock, randomness, databases, and any knowledge of how a request arrived.
"""
