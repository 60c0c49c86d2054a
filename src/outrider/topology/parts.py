"""The two hashes of a version, and how content is hashed."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass

LENGTH = 12


@dataclass(frozen=True, slots=True)
class Parts:
    """The hashes of both parts, twelve hex digits each.

    ``service`` changes with what a developer writes (and with the protocols of those that they call), ``sidecar`` with
    any document that is rendered for the allocation: also where the platform file or Outrider's rendering is another.
    """

    service: str
    sidecar: str

    @property
    def version(self) -> str:
        """The hash of what runs in an allocation as a whole, which its tasks find in OUTRIDER_VERSION."""
        return content_hash([self.service, self.sidecar])


def content_hash(content: object) -> str:
    """Twelve hex digits over any JSON; the order of keys means nothing."""
    text = json.dumps(content, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:LENGTH]
