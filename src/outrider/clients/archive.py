"""A service that is a directory, as one file: the same content gives the same bytes, so its hash names it."""

from __future__ import annotations

import gzip
import io
import tarfile
from pathlib import Path

from outrider.errors import Problem, SpecError

MOST_BYTES = 100 * 1024 * 1024
LEFT_OUT = frozenset({".git", "__pycache__", ".venv", "node_modules", ".DS_Store"})
EXECUTABLE = 0o100


def directory_archive(directory: Path) -> bytes:
    """The directory as a .tar.gz: sorted, without times, owners and what version control or caches keep there."""
    if not directory.is_dir():
        raise _refused(f"{directory} is no directory", "the path is relative to the spec's own directory")
    packed = io.BytesIO()
    with gzip.GzipFile(fileobj=packed, mode="wb", mtime=0) as stream, tarfile.open(fileobj=stream, mode="w") as tar:
        for path in _files(directory):
            _add(tar, directory, path)
            if packed.tell() > MOST_BYTES:
                raise _refused(
                    f"{directory} is larger than {MOST_BYTES >> 20} MB packed", "use an image or an artifact URL"
                )
    return packed.getvalue()


def _files(directory: Path) -> list[Path]:
    """Everything below, sorted by path; nothing whose path has a part that is left out."""
    found = [path for path in directory.rglob("*") if LEFT_OUT.isdisjoint(path.relative_to(directory).parts)]
    return sorted(found, key=lambda path: path.relative_to(directory).as_posix())


def _add(tar: tarfile.TarFile, directory: Path, path: Path) -> None:
    """Links must stay inside: Nomad unpacks this on a node, where anything else would mean something different."""
    if path.is_symlink() and not path.resolve().is_relative_to(directory.resolve()):
        raise _refused(f"{path} is a link that leads out of {directory}", "copy the file instead")
    if not (path.is_symlink() or path.is_file() or path.is_dir()):
        raise _refused(f"{path} is neither a file nor a directory", "remove it")
    member = tar.gettarinfo(path, arcname=path.relative_to(directory).as_posix())
    member.mtime, member.uid, member.gid, member.uname, member.gname = 0, 0, 0, "", ""
    member.mode = 0o755 if path.is_dir() or member.mode & EXECUTABLE else 0o644
    if member.isreg():
        with path.open("rb") as content:
            tar.addfile(member, content)
    else:
        tar.addfile(member)


def _refused(message: str, hint: str) -> SpecError:
    return SpecError((Problem("run.directory", f"{message}; {hint}"),))
