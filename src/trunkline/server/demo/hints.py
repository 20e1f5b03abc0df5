"""What somebody may type while the demo serves: lines that work as they are printed, also over TLS.

The certificate of ``--tls`` is signed by nobody: each line names the file that makes it trusted. Not here: when they
are printed (``story``).
"""

from __future__ import annotations

from pathlib import Path
from shlex import quote

from trunkline.client.tokens import mint_token
from trunkline.wire.calls.apps import ApiKey

TOKEN_S = 86_400


def by_hand(key: ApiKey, url: str, certificate: Path | None = None) -> str:
    """The lines, with tokens of their own."""
    carol, dave = (mint_token(key.key, key.secret, party, ttl_s=TOKEN_S) for party in ("user/carol", "user/dave"))
    auth = f"{key.key}:{key.secret}"
    trusted = f"SSL_CERT_FILE={quote(str(certificate))} " if certificate is not None else ""
    curl = f"curl --cacert {quote(str(certificate))}" if certificate is not None else "curl"
    return f"""
Try it by hand
  A token for user/carol (mint more with: trunkline token --key {key.key} --secret ... --party user/u1)
    {carol}

  Two people in two terminals:
    {trusted}.venv/bin/trunkline chat --url {url} --to user/dave --token {carol}
    {trusted}.venv/bin/trunkline chat --url {url} --to user/carol --token {dave}

  The ten lines of the README, as carol:
    {trusted}TRUNKLINE_URL={url} TRUNKLINE_TOKEN={carol} .venv/bin/python examples/hello.py

  As an app server:
    {curl} -u {auth} {url}/v1/conversations -H 'Trunkline-Party: user/carol'
    {curl} -u {auth} {url}/v1/messages -H 'Trunkline-Party: user/dave' -H 'Content-Type: application/json' \\
      -d '{{"to": "user/carol", "type": "text", "content": {{"text": "Hello from curl"}}}}'

  Documentation: {url}/docs/api"""
