"""Where nodes fetch artifacts from the portal: addresses that nobody can guess and that hold as long as the key does."""

from __future__ import annotations

import base64
import hmac
import re
from dataclasses import dataclass, field

FETCHED = re.compile(r"/artifacts/([0-9a-f]{64})/[A-Za-z0-9_-]{43}/")
CHECKED = re.compile(r"\b[0-9a-f]{64}\b")


@dataclass(frozen=True, slots=True)
class ArtifactLinks:
    """Addresses made with the store's own key: who knows content, and so its hash, does not know its address."""

    key: bytes = field(repr=False)

    def word(self, sha256: str) -> str:
        """43 signs that only the key makes of this hash."""
        made = hmac.digest(self.key, sha256.encode(), "sha256")
        return base64.urlsafe_b64encode(made).rstrip(b"=").decode()

    def path(self, sha256: str, file: str) -> str:
        """Below the portal's own address; Nomad's getter takes the kind of archive from the end of the name."""
        return f"artifacts/{sha256}/{self.word(sha256)}/{file}"

    def admits(self, sha256: str, word: str) -> bool:
        """Whether the address is one of ours."""
        return hmac.compare_digest(self.word(sha256).encode(), word.encode())


def fetched_in(document: str) -> frozenset[str]:
    """The SHA-256 of artifacts that a job, as JSON, fetches by addresses of ours."""
    return frozenset(FETCHED.findall(document))


def hashes_in(document: str) -> frozenset[str]:
    """All that could be the SHA-256 of an artifact in a job: whatever it is, what is named there stays."""
    return frozenset(CHECKED.findall(document))
