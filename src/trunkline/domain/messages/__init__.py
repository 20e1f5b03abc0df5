"""Message types and the rules of changing a message."""
