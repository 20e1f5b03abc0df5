"""Threads: reading them, following them, and what is unread in them."""
