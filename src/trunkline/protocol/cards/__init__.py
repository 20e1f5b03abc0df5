"""The state of a card as a deterministic merge on the log: the same pure functions on servers and clients."""
