"""Files in which bytes lie while they come or go; nothing of them outlives the block that asked for one."""

from __future__ import annotations

import os
import secrets
from contextlib import contextmanager
from typing import TYPE_CHECKING

from outrider_ground.private import FILE

if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path
    from typing import BinaryIO


def new_file(path: Path) -> BinaryIO:
    """One that nobody else may read; FileExistsError where it is there."""
    return open(os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR | os.O_CLOEXEC, FILE), "w+b")  # noqa: PTH123  a descriptor


@contextmanager
def spooled(folder: Path, what: str) -> Generator[tuple[BinaryIO, Path]]:
    """A new file that is gone after the block, unless somebody has taken it; who reads it by its path flushes it before."""
    path = folder / f"outrider-{what}-{secrets.token_hex(16)}"
    try:
        with new_file(path) as file:
            yield file, path
    finally:
        path.unlink(missing_ok=True)
