"""What is uploaded, as bytes that are made piece by piece: a packed directory, a file as it is, or bytes at hand."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from outrider_ground.errors import UsageError

from outrider.clients.archive import PIECE, Archive


@dataclass(frozen=True, slots=True)
class Upload:
    """Bytes by their SHA-256 (hex) and size; ``pieces`` makes them, the same each time."""

    sha256: str
    size: int
    pieces: Callable[[], Iterator[bytes]]

    async def sent(self) -> AsyncIterator[bytes]:
        """The pieces, made in a thread."""
        made = self.pieces()
        while piece := await asyncio.to_thread(next, made, b""):
            yield piece


def upload_of(source: Archive | bytes | Path) -> Upload:
    """The archive, the bytes, or the file as it is. UsageError for a file that cannot be read."""
    if isinstance(source, Archive):
        return Upload(source.sha256, source.packed, source.pieces)
    if isinstance(source, bytes):
        return Upload(hashlib.sha256(source).hexdigest(), len(source), lambda: iter([source] if source else []))
    return _of_file(source)


def _of_file(file: Path) -> Upload:
    try:
        digest, size = hashlib.sha256(), 0
        for piece in _read(file):
            digest.update(piece)
            size += len(piece)
    except OSError as error:
        raise UsageError(f"{file} cannot be read: {error.strerror}", next_step="Name a file or a directory.") from error
    return Upload(digest.hexdigest(), size, lambda: _read(file))


def _read(file: Path) -> Iterator[bytes]:
    with file.open("rb") as content:
        while piece := content.read(PIECE):
            yield piece
