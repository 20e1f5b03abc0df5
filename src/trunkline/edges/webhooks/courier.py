"""Posting to receivers over HTTP: allowed addresses, checked certificates, no redirects, no cookies, no proxies.

Lives here: one attempt. Trying again is decided by ``domain.webhooks``.
"""

from __future__ import annotations

import ssl
import time
from collections.abc import Mapping

import aiohttp

from trunkline.base.errors import TrunklineError
from trunkline.domain.webhooks.addresses import AddressPolicy
from trunkline.domain.webhooks.backoff import retry_after_s
from trunkline.edges.webhooks.resolver import CheckedResolver, ForbiddenAddress
from trunkline.services.webhooks.ports import Reply

MAX_CONNECTIONS = 512
CONNECT_TIMEOUT_S = 10.0


class HttpCourier:
    """Implements ``services.webhooks.ports.Courier``. Create and close it on the event loop.

    Args:
        policy: which addresses may be called.
        ca_file: PEM file with further certificate authorities; "" for the system's alone.
        user_agent: how the server names itself.
    """

    def __init__(self, policy: AddressPolicy, ca_file: str = "", user_agent: str = "trunkline") -> None:
        self._policy = policy
        self._context = ssl.create_default_context()
        if ca_file:
            self._context.load_verify_locations(ca_file)
        self._headers = {"User-Agent": user_agent, "Content-Type": "application/json", "Accept": "application/json"}
        self._session: aiohttp.ClientSession | None = None

    def _opened(self) -> aiohttp.ClientSession:
        if self._session is None:
            connector = aiohttp.TCPConnector(
                resolver=CheckedResolver(self._policy),
                ssl=self._context,
                limit=MAX_CONNECTIONS,
                # Whoever moves a receiver should not have to wait.
                ttl_dns_cache=30,
            )
            self._session = aiohttp.ClientSession(
                connector=connector, cookie_jar=aiohttp.DummyCookieJar(), trust_env=False, headers=self._headers
            )
        return self._session

    async def post(
        self, url: str, headers: Mapping[str, str], body: bytes, timeout_s: float, max_reply_bytes: int = 0
    ) -> Reply:
        """Post once; whatever goes wrong is in the reply."""
        try:
            self._policy.check_url(url)
            timeout = aiohttp.ClientTimeout(total=timeout_s, sock_connect=min(timeout_s, CONNECT_TIMEOUT_S))
            async with self._opened().post(
                url, data=body, headers=headers, allow_redirects=False, timeout=timeout
            ) as answer:
                asked = answer.headers.get("Retry-After")
                read = b""
                if max_reply_bytes:
                    read = await _read(answer.content, max_reply_bytes)
                return Reply(
                    answer.status, _remark(answer.status), retry_after_s(asked, time.time()) if asked else None, read
                )
        except TrunklineError as error:
            return Reply(0, error.detail)
        except TimeoutError:
            return Reply(0, f"no answer within {timeout_s:g} s")
        except (aiohttp.ClientError, OSError, ValueError) as error:
            return Reply(0, _explain(error))

    async def close(self) -> None:
        """Close all connections."""
        if self._session is not None:
            session, self._session = self._session, None
            await session.close()


async def _read(stream: aiohttp.StreamReader, limit: int) -> bytes:
    parts: list[bytes] = []
    size = 0
    async for part in stream.iter_chunked(16_384):
        size += len(part)
        if size > limit:
            raise ValueError(f"the answer is larger than {limit} bytes")
        parts.append(part)
    return b"".join(parts)


def _remark(status: int) -> str:
    return f"HTTP status {status}: redirects are not followed" if 300 <= status < 400 else ""


def _explain(error: BaseException) -> str:
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, ForbiddenAddress):
            return str(cause)
        cause = cause.__cause__
    if isinstance(error, aiohttp.ClientConnectorCertificateError):
        return "the certificate was not accepted"
    if isinstance(error, aiohttp.ClientConnectorDNSError):
        return "the name cannot be resolved"
    if isinstance(error, aiohttp.ClientConnectorError):
        return f"cannot connect ({error.os_error.strerror or type(error.os_error).__name__})"
    return f"{type(error).__name__}: {error}"[:200]
