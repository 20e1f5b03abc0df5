"""Bytes of files over HTTP: resumable uploads (tus 1.0) and downloads.

Everything else about files is ordinary operations (``services.files.operations``).
"""

from __future__ import annotations

from starlette.routing import Route

from trunkline.edges.http.deps import HttpDeps
from trunkline.edges.http.files.downloading import Contents
from trunkline.edges.http.files.uploading import UploadResource, UploadsResource
from trunkline.services.files.downloads import Downloads
from trunkline.services.files.uploads import Uploads


def file_routes(deps: HttpDeps, uploads: Uploads, downloads: Downloads) -> list[Route]:
    """The routes."""
    return [
        Route("/v1/uploads", UploadsResource(deps, uploads)),
        Route("/v1/uploads/{file}", UploadResource(deps, uploads)),
        Route("/v1/files/{file}/{variant}", Contents(deps, downloads)),
    ]


__all__ = ["file_routes"]
