"""Broadcasts: messages to everyone whose tags fit, without a write per recipient; and the tags."""
