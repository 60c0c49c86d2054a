"""Whether anybody still reads our output at the other end of a pipe."""

from __future__ import annotations

import asyncio
import os
import stat
import sys


async def unread() -> None:
    """Return when nobody reads standard output any more; wait for ever where it is no pipe."""
    loop = asyncio.get_running_loop()
    gone = asyncio.Event()
    file = _pipe()
    if file is None:
        await gone.wait()
        return
    # Nothing can be read from that end of a pipe: the loop tells of it only when the other end is closed.
    loop.add_reader(file, gone.set)
    try:
        await gone.wait()
    finally:
        loop.remove_reader(file)


def _pipe() -> int | None:
    try:
        file = sys.stdout.fileno()
    except (OSError, ValueError, AttributeError):
        return None
    return file if stat.S_ISFIFO(os.fstat(file).st_mode) else None
