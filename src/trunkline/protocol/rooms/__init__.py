"""What devices compute from a room's log, each the same."""
