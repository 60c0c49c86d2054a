"""What nobody but its owner may see: directories, files, and variables that hold credentials."""

from __future__ import annotations

import os
import stat
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path

DIRECTORY = 0o700
FILE = 0o600
OTHERS = 0o077
WRITTEN_BY_OTHERS = 0o022
# Variables of servers and clouds, and the words by which people name what nobody else may know.
HIDDEN = (
    "NOMAD_",
    "CONSUL_",
    "VAULT_",
    "OUTRIDER_",
    "AWS_",
    "AZURE_",
    "GOOGLE_",
    "SSH_AUTH_SOCK",
    "PGPASS",
    "KUBECONFIG",
)
SECRET_WORDS = ("TOKEN", "SECRET", "PASSWORD", "PASSWD", "CREDENTIAL", "API_KEY", "APIKEY", "ACCESS_KEY", "PRIVATE_KEY")


def private_directory(path: Path) -> Path:
    """The directory, made where it is missing; one of ours that others may enter is closed to them."""
    path.mkdir(mode=DIRECTORY, parents=True, exist_ok=True)
    return closed(path)


def private_file(path: Path) -> Path:
    """The file, empty where it was missing; never readable by others, not even for a moment."""
    os.close(os.open(path, os.O_CREAT | os.O_WRONLY | os.O_CLOEXEC, FILE))
    return closed(path)


def closed(path: Path) -> Path:
    """The file or directory without rights for others; what is another user's, or shared as ``/tmp`` is, stays."""
    found = path.stat() if path.exists() else None
    if found and found.st_uid == os.geteuid() and not found.st_mode & stat.S_ISVTX:
        path.chmod(stat.S_IMODE(found.st_mode) & ~OTHERS)
    return path


def written_privately(path: Path, content: bytes, mode: int = FILE) -> None:
    """Replace the file by one with this content; it gets its mode only when nothing more is written."""
    with open(os.open(path, os.O_CREAT | os.O_TRUNC | os.O_WRONLY | os.O_CLOEXEC, FILE), "wb") as file:  # noqa: PTH123  a descriptor
        file.write(content)
        os.fchmod(file.fileno(), mode)


@contextmanager
def nothing_for_others() -> Generator[None]:
    """Whatever this process and its children make within the block is their user's alone."""
    with _never_given(OTHERS):
        yield


@contextmanager
def nobody_else_writes() -> Generator[None]:
    """What this process makes within the block is changed by its user alone, whatever the umask; others may read it."""
    with _never_given(WRITTEN_BY_OTHERS):
        yield


@contextmanager
def _never_given(rights: int) -> Generator[None]:
    before = os.umask(rights)
    os.umask(before | rights)
    try:
        yield
    finally:
        os.umask(before)


def is_credential(name: str) -> bool:
    """Whether a variable of that name, in capital letters, holds what tasks and checks must not inherit."""
    return name.startswith(HIDDEN) or any(word in name for word in SECRET_WORDS)
