"""Fetching a published file: what arrives is checked against its digest before anyone reads it."""

from __future__ import annotations

import hashlib
import http.client
import urllib.request
from dataclasses import dataclass

from priot.experiments.errors import UserError


@dataclass(frozen=True)
class Published:
    """A file that a public server has, and how to know it."""

    digest: str
    """Hexadecimal."""
    algorithm: str
    """Of the digest: "sha1", "sha256"."""
    largest: int
    """Bytes; a server that sends more is sending something else."""

    def matches(self, content: bytes) -> bool:
        """Whether ``content`` is this file."""
        return self._digest_of(content) == self.digest

    def fetch(self, url: str, otherwise: str, timeout: float = 60) -> bytes:
        """The file from ``url``.

        Args:
            otherwise: what the user can do where the server cannot be reached.
            timeout: of each answer of the server, in seconds.

        Raises:
            UserError: the server cannot be reached or sends something else.
        """
        try:
            with urllib.request.urlopen(url, timeout=timeout) as response:
                content: bytes = response.read(self.largest)
        except (OSError, http.client.HTTPException, ValueError) as error:
            raise UserError(
                f"{url}: cannot be fetched ({error}); check the network, or {otherwise}"
            ) from error
        if not self.matches(content):
            raise UserError(
                f"{url}: not the original file ({self.algorithm} {self._digest_of(content)}, not "
                f"{self.digest}), so it was thrown away; try again, or {otherwise}"
            )
        return content

    def _digest_of(self, content: bytes) -> str:
        return hashlib.new(self.algorithm, content, usedforsecurity=False).hexdigest()
