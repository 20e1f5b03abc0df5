"""Secrets planted in a server, and where they turn up again.

Lives here: what counts as holding a secret. Does not live here: which secrets, and what is done with them.
"""

from __future__ import annotations

import base64
from pathlib import Path

import httpx


class Planted:
    """Secrets by name, and everything a person or a program could read that is not meant to hold them."""

    def __init__(self) -> None:
        self.secrets: dict[str, bytes] = {}
        self.seen: list[tuple[str, bytes]] = []

    def plant(self, name: str, secret: str) -> str:
        """Remember a secret; it has to be long enough not to turn up by chance."""
        assert len(secret) >= 16, name
        self.secrets[name] = secret.encode()
        return secret

    def plant_credentials(self, name: str, key: str, secret: str) -> None:
        """Remember a secret of an API key in each form it travels in."""
        self.plant(name, secret)
        self.plant(f"{name} as Basic", base64.b64encode(f"{key}:{secret}".encode()).decode())

    def look(self, where: str, content: str | bytes) -> None:
        """Note something that was shown."""
        self.seen.append((where, content if isinstance(content, bytes) else content.encode()))

    def look_at_answer(self, answer: httpx.Response) -> None:
        """Note the body and the headers of an answer."""
        headers = "\n".join(f"{name}: {value}" for name, value in answer.headers.items())
        # httpx has read the body when the test has it; the hook runs before that.
        answer.read()
        where = f"answer {answer.status_code} to {answer.request.method} {answer.request.url.path}"
        self.look(where, headers.encode() + b"\n\n" + answer.content)

    def found(self, *, but: tuple[str, ...] = ()) -> list[str]:
        """Where something was shown that holds a secret (``but`` these), each as ``where: name``."""
        return [
            f"{where}: {name}"
            for where, content in self.seen
            for name, secret in self.secrets.items()
            if name not in but and secret in content
        ]

    def found_in_files(self, directory: Path, *, but: tuple[str, ...]) -> list[str]:
        """Files below a directory that hold a secret, but for these, or have one in their path."""
        found = []
        for path in sorted(directory.rglob("*")):
            inside = path.read_bytes() if path.is_file() else b""
            name = str(path.relative_to(directory)).encode()
            found += [
                f"{path.name}: {secret_name}"
                for secret_name, secret in self.secrets.items()
                if secret in name or (secret_name not in but and secret in inside)
            ]
        return found
