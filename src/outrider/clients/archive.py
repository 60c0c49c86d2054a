"""A service that is a directory, as one file: the same content gives the same bytes, so its hash names it."""

from __future__ import annotations

import errno
import gzip
import io
import os
import tarfile
from dataclasses import dataclass
from pathlib import Path

from outrider_ground.errors import Problem, SpecError

from outrider.clients.packing_list import PackingList

MOST_BYTES = 100 * 1024 * 1024
MOST_TIMES = 100
"""How much larger than packed a directory can be: a file full of zeros would otherwise take for ever."""
EXECUTABLE = 0o100


@dataclass(frozen=True, slots=True)
class Archive:
    """A packed directory: its bytes, how many files are in it, their size unpacked, and the specs that are not."""

    content: bytes
    files: int
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
    if sum(path.lstat().st_size for path in wanted.paths) > MOST_TIMES * MOST_BYTES:
        raise refused(
            f"{directory} is larger than {MOST_TIMES * MOST_BYTES >> 30} GB", "use an image or an artifact URL"
        )
    packed = io.BytesIO()
    with gzip.GzipFile(fileobj=packed, mode="wb", mtime=0) as stream, tarfile.open(fileobj=stream, mode="w") as tar:
        members = [_added(tar, directory, path, packed) for path in wanted.paths]
    files = [member for member in members if not member.isdir()]
    return Archive(packed.getvalue(), len(files), sum(member.size for member in files), tuple(sorted(wanted.specs)))


def _added(tar: tarfile.TarFile, directory: Path, path: Path, packed: io.BytesIO) -> tarfile.TarInfo:
    """Links must stay inside: Nomad unpacks this on a node, where anything else would mean something different."""
    if not (path.is_symlink() or path.is_file() or path.is_dir()):
        raise refused(f"{path} is neither a file nor a directory", "remove it")
    tar.inodes = {}  # pyright: ignore[reportAttributeAccessIssue]  two names of one file are two files here
    member = tar.gettarinfo(path, arcname=path.relative_to(directory).as_posix())
    member.mtime, member.uid, member.gid, member.uname, member.gname = 0, 0, 0, "", ""
    if path.is_symlink():
        member.linkname = _link(directory, path)
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


def _link(directory: Path, path: Path) -> str:
    """Where the link points, relative to itself."""
    if _is_circle(path):
        raise refused(f"{path} is a link that leads in a circle", "remove it")
    target = path.resolve()
    if not target.is_relative_to(directory.resolve()):
        raise refused(f"{path} is a link that leads out of {directory}", "copy the file instead")
    written = path.readlink()
    return os.path.relpath(target, path.parent.resolve()) if written.is_absolute() else str(written)


def _is_circle(path: Path) -> bool:
    try:
        path.stat()
    except OSError as error:
        return error.errno == errno.ELOOP
    return False


def refused(message: str, hint: str) -> SpecError:
    """The error for what cannot be packed, and what to do about it."""
    return SpecError((Problem("run.directory", f"{message}; {hint}"),))
