"""The rules of webhooks: which events there are, who gets them, in which order, and when to try again.

Everything here takes the present time and returns decisions; sockets, tasks and records are the services' affair.
"""
