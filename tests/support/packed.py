"""The bytes of a packed directory, which the product never has all at once."""

from __future__ import annotations

from outrider.clients.archive import Archive


def bytes_of(archive: Archive) -> bytes:
    """All of them."""
    return b"".join(archive.pieces())
