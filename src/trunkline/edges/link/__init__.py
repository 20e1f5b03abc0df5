"""The link: WebSocket sessions of clients. Specification: ``spec/link.md``."""
