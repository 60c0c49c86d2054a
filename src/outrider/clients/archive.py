"""A service that is a directory, as one file: the same content gives the same bytes, so its hash names it.

The bytes are made piece by piece, as often as they are needed: they are never in memory as a whole, nor on disk.
"""

from __future__ import annotations

import gzip
import hashlib
import tarfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from outrider.clients.packing_list import PackingList, refused

MOST_BYTES = 1024 * 1024 * 1024
"""As many as the portal takes unless the platform says otherwise (``keep.upload_mib``)."""
MOST_TIMES = 10
"""How much larger than packed a directory can be: a file full of zeros would otherwise take for ever."""
EXECUTABLE = 0o100
PIECE = 256 * 1024


@dataclass(frozen=True, slots=True)
class Archive:
    """A packed directory: SHA-256 and size of its bytes, how many files and entries are in it, their size, the specs that are not.

    ``pieces`` makes the bytes, the same each time as long as the directory is the same.
    """

    sha256: str
    packed: int
    files: int
    entries: int
    size: int
    specs: tuple[str, ...]
    paths: tuple[tuple[str, Path], ...]
    pieces: Callable[[], Iterator[bytes]]


def directory_archive(directory: Path, spec: Path | None = None) -> Archive:
    """The directory as a .tar.gz: sorted, without times, owners, service specs and what its ignore file names.

    ``spec`` is the file that is deployed, which stays at home whatever its name. Raises SpecError.
    """
    if not directory.is_dir():
        raise refused(f"{directory} is no directory", "the path is relative to the spec's own directory")
    try:
        return _packed(directory, PackingList(directory, spec))
    except OSError as error:
        raise refused(
            f"{error.filename} cannot be read: {error.strerror or error}", "mend its rights, or leave it out"
        ) from error


def _packed(directory: Path, wanted: PackingList) -> Archive:
    paths = tuple((path.relative_to(directory).as_posix(), path) for path in wanted.paths)
    members = [_member(name, path) for name, path in paths]
    files = [member for member in members if member.isreg()]
    size = sum(member.size for member in files)
    if size > MOST_TIMES * MOST_BYTES:
        raise refused(
            f"{directory} is larger than {MOST_TIMES * MOST_BYTES >> 30} GB", "use an image or an artifact URL"
        )
    if not files:
        raise refused(
            f"{directory} has no file that would go along", "Nomad takes no empty archive: leave directory out"
        )
    sha256, packed = _measured(directory, paths)
    specs = tuple(sorted(wanted.specs))
    return Archive(sha256, packed, len(files), len(members), size, specs, paths, lambda: _pieces(paths))


def _measured(directory: Path, paths: tuple[tuple[str, Path], ...]) -> tuple[str, int]:
    """SHA-256 and size of the archive's bytes."""
    digest, size = hashlib.sha256(), 0
    for piece in _pieces(paths):
        digest.update(piece)
        size += len(piece)
        if size > MOST_BYTES:
            raise refused(f"{directory} is larger than {MOST_BYTES >> 20} MB packed", "use an image or an artifact URL")
    return digest.hexdigest(), size


class _Pipe:
    """What was written and not yet taken."""

    def __init__(self) -> None:
        self._held = bytearray()

    def write(self, piece: bytes) -> int:
        self._held += piece
        return len(piece)

    def flush(self) -> None:
        """Nothing is held back."""

    def taken(self, at_least: int) -> Iterator[bytes]:
        if len(self._held) >= at_least > 0 or (self._held and not at_least):
            yield bytes(self._held)
            self._held.clear()


def _pieces(paths: tuple[tuple[str, Path], ...]) -> Iterator[bytes]:
    pipe = _Pipe()
    with gzip.GzipFile(filename="", fileobj=pipe, mode="wb", mtime=0) as stream:  # type: ignore[arg-type]  written only
        written = 0
        for name, path in paths:
            for piece in _entry(name, path):
                written += stream.write(piece)
                yield from pipe.taken(PIECE)
        # Two empty blocks end a tar, and it is filled up to a record (POSIX pax; as tarfile has it).
        end = 2 * tarfile.BLOCKSIZE
        stream.write(tarfile.NUL * (end + -(written + end) % tarfile.RECORDSIZE))
    yield from pipe.taken(0)


def _entry(name: str, path: Path) -> Iterator[bytes]:
    """One file or folder as a tar has it; SpecError where the file changes while it is read."""
    member = _member(name, path)
    yield member.tobuf(tarfile.PAX_FORMAT, "utf-8", "surrogateescape")
    if not member.isreg():
        return
    left = member.size
    with path.open("rb") as content:
        while left and (piece := content.read(min(PIECE, left))):
            left -= len(piece)
            yield piece
    if left:
        raise refused(f"{path} became shorter while it was read", "try again when nothing writes there")
    yield tarfile.NUL * (-member.size % tarfile.BLOCKSIZE)


def _member(name: str, path: Path) -> tarfile.TarInfo:
    """Links and second names of a file become what they lead to: another one would mean something else on a node."""
    found = path.stat()
    if not (path.is_file() or path.is_dir()):
        raise refused(f"{path} is neither a file nor a directory", "remove it")
    member = tarfile.TarInfo(name)
    member.type = tarfile.DIRTYPE if path.is_dir() else tarfile.REGTYPE
    member.size = 0 if path.is_dir() else found.st_size
    member.mode = 0o755 if path.is_dir() or found.st_mode & EXECUTABLE else 0o644
    return member
