"""Pages for people: the API reference and the errors, rendered from the OpenAPI document and the error enum."""

from trunkline.edges.http.docs.pages import docs_routes

__all__ = ["docs_routes"]
