"""How many file descriptors this process has; Linux tells it, and nobody else need count."""

from __future__ import annotations

import os
import resource

OF_THIS_PROCESS = "/proc/self/fd"


def taken() -> int:
    """Their number now; all that the process may have, where none is left to look with."""
    try:
        return len(os.listdir(OF_THIS_PROCESS)) - 1  # noqa: PTH208  names alone; one of them is the look itself
    except OSError:
        return resource.getrlimit(resource.RLIMIT_NOFILE)[0]
