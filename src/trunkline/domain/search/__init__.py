"""Full-text search without a database: how text becomes terms, what a query means, where it matches."""

from trunkline.domain.search.match import matches, satisfied
from trunkline.domain.search.query import Query, parse_query
from trunkline.domain.search.terms import index_terms, marker

__all__ = ["Query", "index_terms", "marker", "matches", "parse_query", "satisfied"]
