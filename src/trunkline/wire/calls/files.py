"""Files: what is known of one, listing and deleting one's own, and links to their bytes."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta, Struct, field

FileId = Annotated[str, Meta(min_length=1, max_length=64)]
VariantName = Literal["content", "thumbnail", "poster"]


class FilePicture(Struct):
    """A smaller picture made from a file: a ``thumbnail``, or the ``poster`` of a video."""

    name: str
    mime: str
    size_bytes: int
    width: int
    height: int


class FileView(Struct, omit_defaults=True, kw_only=True):
    """A finished upload.

    ``kind`` is image, audio, video or file. ``sha256`` is in hex. ``waveform`` has one loudness of 0-255 per slice of
    the sound. ``pictures`` are fetched like the content, by their names.
    """

    file: str
    owner: str
    name: str
    mime: str
    kind: str
    size_bytes: int
    sha256: str
    at_ms: int
    width: int = 0
    height: int = 0
    duration_ms: int = 0
    blurhash: str = ""
    waveform: list[int] = field(default_factory=list)
    pictures: list[FilePicture] = field(default_factory=list)


class FileGet(Struct):
    """A file I uploaded, or one that a message I may see names."""

    file: FileId


class FileDelete(Struct):
    """Delete a file I uploaded, for everyone. Messages that name it stay."""

    file: FileId


class FileList(Struct, kw_only=True):
    """The files I uploaded, by id. ``after`` is the ``next`` of the page before."""

    after: Annotated[str, Meta(max_length=64)] = ""
    limit: Annotated[int, Meta(ge=1, le=200)] = 50


class FilePage(Struct, omit_defaults=True):
    """A page of files; ``next`` is empty on the last one."""

    files: list[FileView]
    next: str = ""


class FileLinkCreate(Struct, kw_only=True):
    """Make a link that opens a file without credentials, for a short time.

    It ends early when I may no longer see the file.
    """

    file: FileId
    variant: VariantName = "content"
    ttl_s: Annotated[int, Meta(ge=1, le=604_800)] = 300


class FileLink(Struct):
    """``url`` is relative to the server's address."""

    url: str
    expires_at_ms: int
