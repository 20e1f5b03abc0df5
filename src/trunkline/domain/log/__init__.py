"""The log: entries, the records that make them durable, and deduplication of sends."""
