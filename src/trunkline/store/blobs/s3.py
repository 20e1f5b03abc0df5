"""``ObjectBlobStore``: blobs in an S3-compatible object store, through obstore."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

from trunkline.services.files.ports import BlobMissing

_PIECE_BYTES = 1 << 20
_TIMEOUT = timedelta(seconds=60)


class ObjectBlobStore:
    """Implements ``services.files.ports.BlobStore``.

    Args:
        bucket: it has to exist.
        prefix: put before every key.
        endpoint: address of the service; "" = that of AWS.
        region: of the bucket.
        access_key_id: with ``secret_access_key``; both "" = from the environment, as AWS tools do.
        secret_access_key: never written anywhere.

    Raises:
        ImportError: obstore is not installed.
    """

    def __init__(
        self,
        *,
        bucket: str,
        prefix: str = "",
        endpoint: str = "",
        region: str = "us-east-1",
        access_key_id: str = "",
        secret_access_key: str = "",
    ) -> None:
        import obstore
        from obstore.store import S3Store

        self._obstore: Any = obstore
        options: dict[str, Any] = {"region": region, "client_options": {"timeout": _TIMEOUT}}
        if endpoint:
            options["endpoint"] = endpoint
            options["client_options"]["allow_http"] = endpoint.startswith("http://")
        if access_key_id:
            options["access_key_id"] = access_key_id
            options["secret_access_key"] = secret_access_key
        self._store = S3Store(bucket, prefix=prefix or None, **options)

    async def put(self, key: str, source: Path) -> None:
        """Store a file's bytes; in parts when it is large."""
        try:
            await self._obstore.put_async(self._store, key, source)
        except Exception as error:
            raise _as_os_error(error) from error

    async def read(self, key: str, start: int, end: int) -> AsyncIterator[bytes]:
        """The bytes from ``start`` up to ``end``."""
        try:
            if start >= end:
                await self._obstore.head_async(self._store, key)
            while start < end:
                stop = min(end, start + _PIECE_BYTES)
                data = bytes(await self._obstore.get_range_async(self._store, key, start=start, end=stop))
                if not data:
                    raise OSError(f"the blob {key} ends at {start}")
                start += len(data)
                yield data
        except FileNotFoundError as error:
            raise BlobMissing(key) from error
        except OSError:
            raise
        except Exception as error:
            raise _as_os_error(error) from error

    async def delete(self, key: str) -> None:
        """Forget a blob; fine when there is none."""
        try:
            await self._obstore.delete_async(self._store, key)
        except FileNotFoundError:
            return
        except Exception as error:
            raise _as_os_error(error) from error

    async def close(self) -> None:
        """The connections close with the object."""


def _as_os_error(error: Exception) -> OSError:
    """Obstore's own errors as what the port promises; their text names no secret."""
    return error if isinstance(error, OSError) else OSError(f"{type(error).__name__}: {str(error)[:300]}")
