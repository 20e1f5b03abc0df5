"""Asking somebody else whether a content is harmful."""
