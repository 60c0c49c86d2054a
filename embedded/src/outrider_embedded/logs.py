"""Logs of tasks: rotating files `TASK.stdout.N` as a Nomad client writes them, and reading across them."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path

from outrider_ground.private import FILE

_CHUNK = 64 * 1024
_LOOK_S = 0.1


class RotatingLog:
    """One stream of one task; a full file is followed by the next number, and the oldest goes."""

    def __init__(self, directory: Path, stream: str, max_files: int, max_bytes: int) -> None:
        self._directory, self._stream = directory, stream
        self._max_files, self._max_bytes = max_files, max_bytes
        self._is_closed = False
        self._number = max((number for number, _ in log_files(directory, stream)), default=0)
        self._file = self._opened()

    def write(self, data: bytes) -> None:
        """Append; a line may be cut where a file ends, as with Nomad. After the close, what comes late is lost."""
        while data and not self._is_closed:
            room = max(0, self._max_bytes - self._size)
            part, data = data[:room], data[room:]
            self._size += os.write(self._file, part) if part else 0
            if data:
                self._rotate()

    def close(self) -> None:
        self._is_closed = True
        os.close(self._file)

    def _opened(self) -> int:
        path = self._directory / f"{self._stream}.{self._number}"
        file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, FILE)
        self._size = os.fstat(file).st_size
        return file

    def _rotate(self) -> None:
        os.close(self._file)
        self._number += 1
        self._file = self._opened()
        for number, path in log_files(self._directory, self._stream):
            if number <= self._number - self._max_files:
                path.unlink(missing_ok=True)


def log_files(directory: Path, stream: str) -> list[tuple[int, Path]]:
    """The files of a stream (``app.stdout``) by number."""
    found = [(path.suffix[1:], path) for path in directory.glob(f"{stream}.*")]
    return sorted((int(number), path) for number, path in found if number.isdecimal())


@dataclass(frozen=True, slots=True)
class Frame:
    """A piece of a log: its bytes, its file (relative to the allocation), and the offset after it in that file."""

    data: bytes
    file: str
    offset: int


@dataclass(frozen=True, slots=True)
class Position:
    """A place in a stream: the number of a file and an offset in it."""

    number: int
    offset: int


def start_position(directory: Path, stream: str, origin: str, offset: int) -> Position:
    """The place ``offset`` bytes after the start, or before the end, of everything that is kept."""
    files = [(number, path.stat().st_size) for number, path in log_files(directory, stream)]
    if not files:
        return Position(0, 0)
    if origin == "end":
        return _from_end(files, offset)
    for number, size in files:
        if offset <= size:
            return Position(number, offset)
        offset -= size
    return Position(*files[-1])


def _from_end(files: list[tuple[int, int]], offset: int) -> Position:
    for number, size in reversed(files):
        if offset <= size:
            return Position(number, size - offset)
        offset -= size
    return Position(files[0][0], 0)


async def frames(
    directory: Path, stream: str, position: Position, is_over: Callable[[], bool]
) -> AsyncIterator[Frame | None]:
    """The log from a place on; None where nothing is new, until ``is_over`` and everything is read."""
    while True:
        last_look = is_over()
        data, position, file = _read(directory, stream, position)
        if data:
            yield Frame(data, f"alloc/logs/{file}", position.offset)
        elif last_look:
            return
        else:
            yield None
            await asyncio.sleep(_LOOK_S)


def _read(directory: Path, stream: str, position: Position) -> tuple[bytes, Position, str]:
    """The next bytes after a place, the place after them, and the file's name."""
    files = dict(log_files(directory, stream))
    numbers = [number for number in sorted(files) if number >= position.number]
    for number in numbers:
        offset = position.offset if number == position.number else 0
        with files[number].open("rb") as file:
            file.seek(offset)
            data = file.read(_CHUNK)
        if data:
            return data, Position(number, offset + len(data)), files[number].name
    return b"", position, ""
