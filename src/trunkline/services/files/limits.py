"""What files may cost, from the configuration, and what was counted since start."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class FileLimits:
    """Bounds. A quota of 0 means none; so does ``retention_ms`` 0.

    Attributes:
        max_size_bytes: of one file.
        types: accepted media types and patterns such as ``image/*``.
        quota_party_bytes: of everything a party keeps.
        quota_app_bytes: of everything an app keeps.
        min_free_bytes: space that uploads leave on the disk.
        max_uploads: unfinished at a time.
        max_uploads_per_party: unfinished at a time, of one party.
        max_transfers: uploads that send at the same moment; each holds about a megabyte of memory.
        upload_expires_ms: an unfinished upload's life.
        transfer_idle_s: silence after which a transfer is ended.
        unused_ms: how long a file stays that no message ever named.
        detached_ms: how long it stays after the last message that named it is gone.
        retention_ms: how long any file stays.
        link_ttl_s: longest life of a link.
    """

    max_size_bytes: int = 100 << 20
    types: tuple[str, ...] = ("*/*",)
    quota_party_bytes: int = 0
    quota_app_bytes: int = 0
    min_free_bytes: int = 256 << 20
    max_uploads: int = 1000
    max_uploads_per_party: int = 16
    max_transfers: int = 64
    upload_expires_ms: int = 86_400_000
    transfer_idle_s: float = 60.0
    unused_ms: int = 7 * 86_400_000
    detached_ms: int = 7 * 86_400_000
    retention_ms: int = 0
    link_ttl_s: int = 3600


@dataclass(slots=True)
class FileCounts:
    """Since start; for the metrics."""

    created: int = 0
    finished: int = 0
    refused: int = 0
    received_bytes: int = 0
    downloads: int = 0
    sent_bytes: int = 0
    removed: int = 0
    purged: int = 0
