"""Broadcasts: tags of parties, audiences over them, and who sees what of a broadcast log."""
