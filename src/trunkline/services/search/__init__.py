"""Searching messages: what a caller may find, page by page."""

from trunkline.services.search.search import Searcher

__all__ = ["Searcher"]
