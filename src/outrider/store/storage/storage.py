"""What a place for bytes can do, whichever it is: keys that are written once, read in pieces, listed and deleted."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from datetime import datetime
    from pathlib import Path

PIECE = 256 * 1024
"""The most bytes that are in memory of anything that is read."""
IDENTITY = "identity"
OBJECTS = "objects"


def new_key(sha256: str) -> str:
    """One of its own each time, so that who deletes the bytes under the key before deletes nothing of these."""
    return f"{OBJECTS}/{sha256[:2]}/{sha256}.{secrets.token_hex(4)}"


class Storage(Protocol):
    """A folder or a bucket. Every method raises RemoteError (503) where it does not answer, is full or refuses."""

    @property
    def place(self) -> str:
        """Where it is, for messages; never with a secret."""
        ...

    @property
    def incoming(self) -> Path:
        """The folder of this machine in which bytes lie while they come."""
        ...

    async def put(self, key: str, file: Path) -> None:
        """Keep the content of the file under the key, whole or not at all; the file may be gone afterwards."""
        ...

    async def opened(self, key: str, start: int, stop: int) -> AsyncIterator[bytes] | None:
        """The bytes from ``start`` up to ``stop`` in pieces, or None where there is no such key."""
        ...

    async def size(self, key: str) -> int | None:
        """How many bytes lie there, or None."""
        ...

    async def delete(self, key: str) -> None:
        """Forget the key; one that is not there is forgotten already."""
        ...

    def older(self, before: datetime) -> AsyncIterator[str]:
        """Keys of objects that were written before then; what was left behind while it came is deleted on the way."""
        ...

    async def word(self, key: str) -> str | None:
        """The line of text under the key, or None."""
        ...

    async def add_word(self, key: str, word: str) -> None:
        """Keep one line under the key, unless somebody was faster."""
        ...
