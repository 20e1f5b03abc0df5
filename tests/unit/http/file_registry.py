"""Operations on files for the registry of fakes."""

from __future__ import annotations

from typing import Any

from trunkline.services.operation import Audience
from trunkline.wire.calls import files
from trunkline.wire.frames import EmptyResult

VIEW = files.FileView(
    file="f_" + "x" * 22,
    owner="user/u1",
    name="x.bin",
    mime="application/octet-stream",
    kind="file",
    size_bytes=1,
    sha256="0" * 64,
    at_ms=1,
)
FILE_TABLE: list[tuple[str, Any, Any, Any, str, Audience]] = [
    ("file.get", files.FileGet, files.FileView, VIEW, "messages", Audience.EVERYONE),
    ("file.list", files.FileList, files.FilePage, files.FilePage([VIEW], "abc"), "messages", Audience.EVERYONE),
    ("file.delete", files.FileDelete, EmptyResult, EmptyResult(), "messages", Audience.EVERYONE),
    ("file.link", files.FileLinkCreate, files.FileLink, files.FileLink("/v1/x", 1), "messages", Audience.EVERYONE),
]
