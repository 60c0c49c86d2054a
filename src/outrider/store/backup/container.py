"""The file of a backup: a tar whose last member lists the SHA-256 of all others; nothing here knows what is in them."""

from __future__ import annotations

import hashlib
import io
import json
import re
import tarfile
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import IO, TYPE_CHECKING, BinaryIO

from outrider_ground.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator
    from pathlib import Path
    from typing import Any

FORMAT = 1
KNOWN = re.compile(r"backup\.json|tables/[a-z_]+/[0-9]{6,}\.jsonl|artifacts/[0-9a-f]{64}")
FIRST, LAST = "backup.json", "checksums.json"
PIECE = 256 * 1024
LARGEST_DOCUMENT = 64 * 1024 * 1024
NEXT = "Name a file that `outrider backup` has written, whole."


@dataclass
class Writing:
    """Members that are written one after the other."""

    _tar: tarfile.TarFile
    _sums: dict[str, str] = field(default_factory=dict[str, str])

    def add(self, name: str, content: bytes) -> None:
        """A member that is at hand."""
        self._sums[name] = hashlib.sha256(content).hexdigest()
        self._tar.addfile(_member(name, len(content)), io.BytesIO(content))

    def add_file(self, name: str, file: BinaryIO, size: int, sha256: str) -> None:
        """A member from a file whose SHA-256 is known."""
        self._sums[name] = sha256
        self._tar.addfile(_member(name, size), file)

    def end(self) -> None:
        """The list of what there is: a file without it is not whole."""
        content = json.dumps(self._sums, indent=0).encode()
        self._tar.addfile(_member(LAST, len(content)), io.BytesIO(content))
        self._tar.close()


def writing(file: BinaryIO, about: dict[str, Any]) -> Writing:
    """A backup that begins with what it is of."""
    made = Writing(tarfile.open(fileobj=file, mode="w|", format=tarfile.PAX_FORMAT, bufsize=PIECE))  # noqa: SIM115  `end` closes it
    made.add(FIRST, json.dumps({"format": FORMAT, **about}).encode())
    return made


def members(file: Path) -> Iterator[tuple[str, int, Iterator[bytes]]]:
    """Name, size and pieces of each member, in order. UsageError where the file cannot be read as one, also by the pieces."""
    with _told(file), tarfile.open(file, mode="r|", bufsize=PIECE) as tar:
        for member in tar:
            content = tar.extractfile(member)
            if content is None:
                raise UsageError(f"{file} is no backup: {member.name} is no file", next_step=NEXT)
            yield member.name, member.size, _pieces(file, content)


@contextmanager
def _told(file: Path) -> Generator[None]:
    try:
        yield
    except (tarfile.TarError, EOFError) as error:
        raise UsageError(f"{file} is no backup, or not all of one: {error}", next_step=NEXT) from error
    except OSError as error:
        raise UsageError(f"{file} cannot be read: {error.strerror or error}", next_step=NEXT) from error


def verified(file: Path) -> dict[str, Any]:
    """What the backup is of, when all of it is there as it was written; UsageError otherwise."""
    sums: dict[str, str] = {}
    about: dict[str, Any] = {}
    listed: dict[str, Any] | None = None
    for name, size, pieces in members(file):
        if listed is not None or (name in {FIRST, LAST} and size > LARGEST_DOCUMENT):
            raise UsageError(f"{file} is no backup: it goes on after its end", next_step=NEXT)
        digest, head = hashlib.sha256(), b""
        for piece in pieces:
            digest.update(piece)
            head += piece if name in {FIRST, LAST} else b""
        if name == LAST:
            listed = _document(file, head)
        else:
            _check_name(file, name, digest.hexdigest())
            sums[name] = digest.hexdigest()
        about = _document(file, head) if name == FIRST else about
    if listed is None:
        raise UsageError(f"{file} is not a whole backup: its end is missing", next_step=NEXT)
    wrong = sorted(name for name in {*sums, *listed} if sums.get(name) != listed.get(name))
    if wrong:
        raise UsageError(f"{file} is damaged: {', '.join(wrong[:3])} is not as it was written", next_step=NEXT)
    if about.get("format") != FORMAT:
        raise UsageError(
            f"{file} is a backup in format {about.get('format')}, and this Outrider reads format {FORMAT}",
            next_step="Use the Outrider that wrote it, or a newer one.",
        )
    return about


def _check_name(file: Path, name: str, sha256: str) -> None:
    """UsageError for what no backup has: another kind of member, or an artifact under the hash of another one."""
    if not KNOWN.fullmatch(name) or (name.startswith("artifacts/") and name != f"artifacts/{sha256}"):
        raise UsageError(f"{file} is damaged, or no backup: {name!r} is not what its name says", next_step=NEXT)


def _member(name: str, size: int) -> tarfile.TarInfo:
    member = tarfile.TarInfo(name)
    member.size, member.mode = size, 0o600
    return member


def _pieces(file: Path, content: IO[bytes]) -> Iterator[bytes]:
    while piece := _read(file, content):
        yield piece


def _read(file: Path, content: IO[bytes]) -> bytes:
    with _told(file):
        return content.read(PIECE)


def _document(file: Path, content: bytes) -> dict[str, Any]:
    try:
        found = json.loads(content)
    except ValueError as error:
        raise UsageError(f"{file} is damaged: a list in it is no JSON", next_step=NEXT) from error
    if not isinstance(found, dict):
        raise UsageError(f"{file} is damaged: a list in it is none", next_step=NEXT)
    return found  # pyright: ignore[reportUnknownVariableType]  JSON
