"""Files that others can get at: read without being held up or flooded by what lies in their place, and replaced whole."""

from __future__ import annotations

import os
import stat

Stamp = tuple[int, int, int, int]  # which file it is, and in which state


def content(path: str, largest: int) -> bytes:
    """All of a regular file; raise OSError, or ValueError for what is none (a FIFO, a device) or is larger."""
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)  # a FIFO without a writer does not block
    with open(descriptor, "rb") as file:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise ValueError("it is no regular file")
        found = file.read(largest + 1)
    if len(found) > largest:
        raise ValueError(f"it is larger than {largest} bytes")
    return found


def replace(path: str, data: bytes) -> Stamp:
    """Put this in the file's place in one step: a reader finds the old or the new one, never half.

    What lies in its way is removed, an empty directory too; links are not followed. Raise OSError, and leave no half.
    """
    beside = f"{path}.new"
    clear(beside)
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
    try:
        with open(os.open(beside, flags, 0o644), "wb") as file:
            file.write(data)
        move(beside, path)
    except OSError:
        forget(beside)
        raise
    return stamp(path)


def move(source: str, path: str) -> None:
    """Into the place of whatever lies there, an empty directory too; raise OSError."""
    if stat.S_ISDIR(mode(path)):
        os.rmdir(path)
    os.replace(source, path)


def clear(path: str) -> None:
    """Remove a file, a link or an empty directory, if there is one."""
    kind = mode(path)
    if stat.S_ISDIR(kind):
        os.rmdir(path)
    elif kind:
        os.unlink(path)


def forget(path: str) -> None:
    """Remove it if that can be done."""
    try:
        clear(path)
    except OSError:
        return


def mode(path: str) -> int:
    """What kind of thing lies there, links not followed; 0 for nothing."""
    try:
        return os.lstat(path).st_mode
    except OSError:
        return 0


def stamp(path: str) -> Stamp:
    """Differs for every other file in this place, and for every other content of this one; raise OSError."""
    found = os.lstat(path)
    return found.st_dev, found.st_ino, found.st_mtime_ns, found.st_size
