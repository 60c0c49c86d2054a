"""A service that is a directory, as one file: the same content gives the same bytes, so its hash names it."""

from __future__ import annotations

import errno
import gzip
import io
import os
import tarfile
from pathlib import Path

from outrider_ground.errors import Problem, SpecError

MOST_BYTES = 100 * 1024 * 1024
MOST_TIMES = 100
"""How much larger than packed a directory can be: a file full of zeros would otherwise take for ever."""
LEFT_OUT = frozenset({".git", "__pycache__", ".venv", "node_modules", ".DS_Store"})
EXECUTABLE = 0o100


def directory_archive(directory: Path) -> bytes:
    """The directory as a .tar.gz: sorted, without times, owners and what version control or caches keep there."""
    if not directory.is_dir():
        raise refused(f"{directory} is no directory", "the path is relative to the spec's own directory")
    files = _files(directory)
    if sum(path.lstat().st_size for path in files) > MOST_TIMES * MOST_BYTES:
        raise refused(
            f"{directory} is larger than {MOST_TIMES * MOST_BYTES >> 30} GB", "use an image or an artifact URL"
        )
    packed = io.BytesIO()
    with gzip.GzipFile(fileobj=packed, mode="wb", mtime=0) as stream, tarfile.open(fileobj=stream, mode="w") as tar:
        for path in files:
            _add(tar, directory, path)
            if packed.tell() > MOST_BYTES:
                raise refused(
                    f"{directory} is larger than {MOST_BYTES >> 20} MB packed", "use an image or an artifact URL"
                )
    return packed.getvalue()


def _files(directory: Path) -> list[Path]:
    """Everything below, sorted by path; nothing whose path has a part that is left out."""
    found = [path for path in directory.rglob("*") if LEFT_OUT.isdisjoint(path.relative_to(directory).parts)]
    return sorted(found, key=lambda path: path.relative_to(directory).as_posix())


def _add(tar: tarfile.TarFile, directory: Path, path: Path) -> None:
    """Links must stay inside: Nomad unpacks this on a node, where anything else would mean something different."""
    is_link = path.is_symlink()
    if not (is_link or path.is_file() or path.is_dir()):
        raise refused(f"{path} is neither a file nor a directory", "remove it")
    tar.inodes = {}  # pyright: ignore[reportAttributeAccessIssue]  two names of one file are two files here
    member = tar.gettarinfo(path, arcname=path.relative_to(directory).as_posix())
    member.mtime, member.uid, member.gid, member.uname, member.gname = 0, 0, 0, "", ""
    if is_link:
        member.linkname = _link(directory, path)
        member.mode = 0o755 if path.is_dir() or member.mode & EXECUTABLE else 0o644
        tar.addfile(member)
        return
    member.mode = 0o755 if path.is_dir() or member.mode & EXECUTABLE else 0o644
    _add_content(tar, path, member)


def _add_content(tar: tarfile.TarFile, path: Path, member: tarfile.TarInfo) -> None:
    if not member.isreg():
        tar.addfile(member)
        return
    try:
        with path.open("rb") as content:
            tar.addfile(member, content)
    except OSError as error:
        raise refused(f"{path} cannot be read: {error.strerror or error}", "remove it, or make it readable") from error


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
