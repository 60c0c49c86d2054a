"""A copy of a package in which one file differs: folders on the way to it, and links to everything else."""

from __future__ import annotations

from pathlib import Path


def overlay(directory: Path, package: Path, changed: Path, source: str) -> Path:
    """A new folder for ``sys.path``, in which ``package`` is as it is but for ``changed``, which has that source."""
    directory.mkdir(parents=True)
    _linked(directory / package.name, package, changed)
    (directory / package.name / changed.relative_to(package)).write_text(source)
    return directory


def _linked(folder: Path, original: Path, changed: Path) -> None:
    folder.mkdir()
    for path in original.iterdir():
        if path in changed.parents:
            _linked(folder / path.name, path, changed)
        elif path != changed and path.name != "__pycache__":
            (folder / path.name).symlink_to(path)
    # Compiled files of neighbours are read, and none is written: Trial sees to that.
    if (original / "__pycache__").exists():
        (folder / "__pycache__").symlink_to(original / "__pycache__")
