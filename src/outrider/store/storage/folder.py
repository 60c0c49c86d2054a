"""A folder as a place for bytes: nobody else's, each file whole or not there, on the disk before it counts."""

from __future__ import annotations

import asyncio
import contextlib
import os
import secrets
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from outrider_ground.errors import RemoteError, UsageError
from outrider_ground.private import FILE, private_directory

from outrider.store.storage.storage import OBJECTS, PIECE

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Generator, Iterator
    from pathlib import Path

INCOMING = "incoming"


class Folder:
    """Objects below one folder, made where it is missing. UsageError where it cannot be made or entered."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        try:
            private_directory(folder)
            self.incoming = private_directory(folder / INCOMING)
        except OSError as error:
            raise UsageError(
                f"artifacts cannot be kept in {folder}: {error.strerror}",
                next_step="Name a folder that you may write, with --artifacts or OUTRIDER_ARTIFACTS.",
            ) from error

    @property
    def place(self) -> str:
        return str(self._folder)

    async def put(self, key: str, file: Path) -> None:
        """Move the file there; it lies in ``incoming``, on the same disk."""
        with self._told():
            await asyncio.to_thread(self._put, key, file)

    async def opened(self, key: str, start: int, stop: int) -> AsyncIterator[bytes] | None:
        # Opened by who reads the first piece: what nobody reads is never open.
        return None if await self.size(key) is None else self._pieces(self._folder / key, start, stop)

    async def size(self, key: str) -> int | None:
        with self._told():
            try:
                return (await asyncio.to_thread((self._folder / key).stat)).st_size
            except FileNotFoundError:
                return None

    async def delete(self, key: str) -> None:
        with self._told():
            await asyncio.to_thread((self._folder / key).unlink, missing_ok=True)

    async def older(self, before: datetime) -> AsyncIterator[str]:
        with self._told():
            for file in await asyncio.to_thread(list, _older(self.incoming, before)):
                file.unlink(missing_ok=True)
            found = await asyncio.to_thread(list, _older(self._folder / OBJECTS, before))
        for file in found:
            yield file.relative_to(self._folder).as_posix()

    async def word(self, key: str) -> str | None:
        with self._told():
            try:
                return (await asyncio.to_thread((self._folder / key).read_text)).strip()
            except FileNotFoundError:
                return None

    async def add_word(self, key: str, word: str) -> None:
        with self._told(), contextlib.suppress(FileExistsError):
            await asyncio.to_thread(self._add_word, key, word)

    def _put(self, key: str, file: Path) -> None:
        """The content first, then its name, then the folder that has the name: after a crash all of it or nothing is there."""
        target = self._folder / key
        for folder in reversed(target.relative_to(self._folder).parents):
            private_directory(self._folder / folder)
        _synced(file)
        file.replace(target)
        for folder in target.relative_to(self._folder).parents:
            _synced(self._folder / folder)

    def _add_word(self, key: str, word: str) -> None:
        """Linked from a whole file, so that nobody reads half of it."""
        made = self.incoming / f"{key}.{secrets.token_hex(4)}"
        with open(os.open(made, os.O_CREAT | os.O_TRUNC | os.O_WRONLY | os.O_CLOEXEC, FILE), "w") as file:  # noqa: PTH123  a descriptor
            file.write(f"{word}\n")
        _synced(made)
        try:
            os.link(made, self._folder / key)
        finally:
            made.unlink()
        _synced(self._folder)

    async def _pieces(self, path: Path, start: int, stop: int) -> AsyncIterator[bytes]:
        with self._told(), await asyncio.to_thread(path.open, "rb") as file:
            await asyncio.to_thread(file.seek, start)
            while start < stop and (piece := await asyncio.to_thread(file.read, min(PIECE, stop - start))):
                start += len(piece)
                yield piece

    @contextlib.contextmanager
    def _told(self) -> Generator[None]:
        try:
            yield
        except OSError as error:
            raise RemoteError(
                f"the folder of artifacts {self._folder} does not do its part: {error.strerror or error}",
                status=503,
                next_step="Look at its disk and its rights, then try again.",
            ) from error


def _older(folder: Path, before: datetime) -> Iterator[Path]:
    for file in folder.rglob("*") if folder.is_dir() else ():
        with contextlib.suppress(FileNotFoundError):
            if file.is_file() and datetime.fromtimestamp(file.stat().st_mtime, UTC) < before:
                yield file


def _synced(path: Path) -> None:
    held = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(held)
    finally:
        os.close(held)
