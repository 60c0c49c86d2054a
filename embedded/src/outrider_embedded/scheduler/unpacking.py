"""Archives from anywhere, unpacked below one directory: whatever is wrong with one is one error, and costs little."""

from __future__ import annotations

import bz2
import gzip
import lzma
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Generator
from contextlib import contextmanager
from copy import copy
from pathlib import Path
from typing import Any, BinaryIO, cast

TAR_OPENERS: tuple[tuple[tuple[str, ...], Callable[[Path], Any]], ...] = (
    (("tar.gz", "tgz"), gzip.open),
    (("tar.bz2", "tbz2"), bz2.open),
    (("tar.xz", "txz"), lzma.open),
    (("tar",), lambda file: file.open("rb")),
)
# What no real archive needs: text packs to a tenth, and a bomb to a thousandth.
LEAST_LIMIT = 256 * 1024 * 1024
MOST_TIMES = 100
# Nomad's own limit (client configuration, artifact.decompression_file_count_limit).
MOST_ENTRIES = 4096


class UnpackingError(Exception):
    """The archive is damaged, or is none that may be unpacked."""


def unpacked(file: Path, name: str, target: Path) -> bool:
    """Unpack by the name's ending; whether it was an archive. Raises UnpackingError."""
    opener = next((opener for endings, opener in TAR_OPENERS if name.endswith(endings)), None)
    if opener is None and not name.endswith("zip"):
        return False
    target.mkdir(parents=True, exist_ok=True)
    limit = max(LEAST_LIMIT, MOST_TIMES * file.stat().st_size)
    with _told():
        if opener is None:
            _unzip(file, target, limit)
        else:
            with opener(file) as stream:
                _untar(stream, target, limit)
    return True


class _Bounded:
    """A stream of which no more than the limit is ever read, headers of the archive included."""

    def __init__(self, stream: BinaryIO, limit: int) -> None:
        self._stream, self._left, self._limit = stream, limit, limit

    def read(self, size: int = -1) -> bytes:
        if size > self._limit or size < 0:
            raise UnpackingError(_too_large(self._limit))
        data = self._stream.read(size)
        self._left -= len(data)
        if self._left < 0:
            raise UnpackingError(_too_large(self._limit))
        return data


def _untar(stream: BinaryIO, target: Path, limit: int) -> None:
    bounded = cast("BinaryIO", _Bounded(stream, limit))
    with tarfile.open(fileobj=bounded, mode="r|") as archive:
        size = files = number = 0
        for number, member in enumerate(archive, 1):
            size += max(member.size, 0)
            files += not member.isdir()
            _check(size, number + 1, limit, "tar")  # Nomad counts the end too
            archive.extract(_as_nomad_does(member), target, filter="data")
        if not files:
            raise UnpackingError("empty archive")
        _read_to_the_end(stream)


def _as_nomad_does(member: tarfile.TarInfo) -> tarfile.TarInfo:
    """What is neither file nor folder becomes an empty file, links too (go-getter, decompress_tar.go)."""
    if member.isfile() or member.isdir():
        return member
    empty = copy(member)
    empty.type, empty.size = tarfile.REGTYPE, 0
    return empty


def _read_to_the_end(stream: BinaryIO) -> None:
    """A compressed stream says only at its end whether it is whole."""
    while stream.read(1 << 16):
        pass


def _unzip(file: Path, target: Path, limit: int) -> None:
    with zipfile.ZipFile(file) as archive:
        members = archive.infolist()
        _check(sum(one.file_size for one in members), len(members), limit, "zip")
        if not members:
            raise UnpackingError("empty archive")
        for one in members:
            path = (target / one.filename).resolve()
            if one.filename.startswith(("/", "\\")) or not path.is_relative_to(target.resolve()):
                raise UnpackingError(f"{one.filename[:100]!r} would be outside of the target directory")
        archive.extractall(target)  # noqa: S202  each member was looked at


def _check(size: int, entries: int, limit: int, kind: str) -> None:
    if size > limit:
        raise UnpackingError(_too_large(limit))
    if entries > MOST_ENTRIES:
        raise UnpackingError(f"{kind} archive contains too many files: {entries} > {MOST_ENTRIES}")


def _too_large(limit: int) -> str:
    return f"it would be larger than {limit >> 20} MB unpacked, {MOST_TIMES} times its size"


@contextmanager
def _told() -> Generator[None]:
    """Every way in which these formats can be broken, as one error."""
    try:
        yield
    except (tarfile.TarError, zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError) as error:
        raise UnpackingError(str(error) or "it is damaged") from error
    except (OSError, ValueError, RuntimeError, NotImplementedError, RecursionError) as error:
        raise UnpackingError(str(error) or type(error).__name__) from error
