"""Protocol machines without input or output, one folder each.

A machine takes bytes and the present time and returns events and bytes; it can be tested without a
socket. What is not here: sockets, timers, tasks, and rules about who may do what.
"""
