"""A service that is a directory, as one file: the same content gives the same bytes, so its hash names it."""

from __future__ import annotations

import gzip
import io
import tarfile
from dataclasses import dataclass
from pathlib import Path

from outrider.clients.packing_list import PackingList, refused

MOST_BYTES = 100 * 1024 * 1024
MOST_TIMES = 100
"""How much larger than packed a directory can be: a file full of zeros would otherwise take for ever."""
EXECUTABLE = 0o100


@dataclass(frozen=True, slots=True)
class Archive:
    """A packed directory: its bytes, how many files and entries are in it, their size unpacked, the specs that are not."""

    content: bytes
    files: int
    entries: int
    size: int
    specs: tuple[str, ...]


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
    if sum(path.stat().st_size for path in wanted.paths) > MOST_TIMES * MOST_BYTES:
        raise refused(
            f"{directory} is larger than {MOST_TIMES * MOST_BYTES >> 30} GB", "use an image or an artifact URL"
        )
    packed = io.BytesIO()
    with gzip.GzipFile(fileobj=packed, mode="wb", mtime=0) as stream, _tar(stream) as tar:
        members = [_added(tar, directory, path, packed) for path in wanted.paths]
    files = [member for member in members if not member.isdir()]
    if not files:
        raise refused(
            f"{directory} has no file that would go along", "Nomad takes no empty archive: leave directory out"
        )
    size = sum(member.size for member in files)
    return Archive(packed.getvalue(), len(files), len(members), size, tuple(sorted(wanted.specs)))


def _tar(stream: gzip.GzipFile) -> tarfile.TarFile:
    """Links and second names of a file become what they lead to: another one would mean something else on a node."""
    return tarfile.open(fileobj=stream, mode="w", dereference=True)


def _added(tar: tarfile.TarFile, directory: Path, path: Path, packed: io.BytesIO) -> tarfile.TarInfo:
    if not (path.is_file() or path.is_dir()):
        raise refused(f"{path} is neither a file nor a directory", "remove it")
    member = tar.gettarinfo(path, arcname=path.relative_to(directory).as_posix())
    member.mtime, member.uid, member.gid, member.uname, member.gname = 0, 0, 0, "", ""
    member.mode = 0o755 if path.is_dir() or member.mode & EXECUTABLE else 0o644
    _write(tar, member, path)
    if packed.tell() > MOST_BYTES:
        raise refused(f"{directory} is larger than {MOST_BYTES >> 20} MB packed", "use an image or an artifact URL")
    return member


def _write(tar: tarfile.TarFile, member: tarfile.TarInfo, path: Path) -> None:
    if not member.isreg():
        tar.addfile(member)
        return
    with path.open("rb") as content:
        tar.addfile(member, content)
