"""An allocation's directories on disk."""

from __future__ import annotations

from outrider_ground.private import DIRECTORY

from outrider_embedded.scheduler.documents import Document
from outrider_embedded.scheduler.environment import Directories

_OPEN = 0o777
"""As Nomad has them, where tasks of several users share them; what is above them is closed."""


def make_directories(directories: Directories, tasks: list[Document]) -> None:
    """What the tasks share, and each one's own."""
    places = [directories.shared / name for name in ("data", "logs", "tmp")]
    for task in tasks:
        places += [directories.task(task["Name"]) / name for name in ("local", "secrets", "tmp")]
    mode = _OPEN if any(task["User"] for task in tasks) else DIRECTORY
    for place in (directories.root, *places):
        place.mkdir(parents=True, exist_ok=True)
        place.chmod(mode)
