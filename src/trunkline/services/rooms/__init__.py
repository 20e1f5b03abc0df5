"""Live rooms: who is in them, what they are sent per tick, and what is refused, dropped and counted."""
