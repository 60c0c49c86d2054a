"""What of a directory goes into its archive: all but service specs, caches, and what its ``.outriderignore`` names."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path

from outrider_ground.errors import Problem, SpecError
from pathspec import GitIgnoreSpec

IGNORE_FILE = ".outriderignore"
# A line of the ignore file that begins with an exclamation mark takes any of them in again.
LEFT_OUT = (".git", "__pycache__", ".venv", "node_modules", ".DS_Store", f"/{IGNORE_FILE}")
SPEC_SUFFIXES = frozenset({".yaml", ".yml"})
SPEC_KEYS = tuple(re.compile(rf"^[\"']?{key}[\"']?\s*:", re.MULTILINE) for key in ("service", "run"))
LONGEST_SPEC = 1_000_000


class PackingList:
    """The paths of one directory, sorted; ``specs`` are the names of the service specs that stay at home.

    A spec says how a service is deployed: were it part of what runs, another count would replace every allocation.
    """

    def __init__(self, directory: Path, spec: Path | None = None) -> None:
        self.specs: list[str] = []
        self._directory = directory
        self._spec = os.path.realpath(spec) if spec else None
        self._ignored = _ignored(directory / IGNORE_FILE)
        self.paths = sorted(self._below(directory), key=self._name)

    def _below(self, folder: Path) -> Iterator[Path]:
        """What is left out as a folder is not looked into, as with git."""
        for path in folder.iterdir():
            if self._is_left_out(path):
                continue
            yield path
            if path.is_dir() and not path.is_symlink():
                yield from self._below(path)

    def _is_left_out(self, path: Path) -> bool:
        is_folder = path.is_dir() and not path.is_symlink()
        said = self._ignored.check_file(self._name(path) + ("/" if is_folder else "")).include
        if said is not None or is_folder or not self._is_spec(path):
            return bool(said)
        self.specs.append(self._name(path))
        return True

    def _is_spec(self, path: Path) -> bool:
        """The spec itself, by whatever name or link, and its neighbours: any YAML file with ``service`` and ``run``."""
        if os.path.realpath(path) == self._spec:  # unlike resolve(), it ends where links lead in a circle
            return True
        if path.suffix not in SPEC_SUFFIXES or not path.is_file() or path.stat().st_size > LONGEST_SPEC:
            return False
        text = path.read_text(encoding="utf-8", errors="replace")
        return all(key.search(text) for key in SPEC_KEYS)

    def _name(self, path: Path) -> str:
        return path.relative_to(self._directory).as_posix()


def _ignored(file: Path) -> GitIgnoreSpec:
    """The patterns of an ignore file, in gitignore's language; without one those that hold everywhere."""
    try:
        lines = file.read_text(encoding="utf-8").splitlines() if file.exists() else []
        return GitIgnoreSpec.from_lines([*LEFT_OUT, *lines])
    except (OSError, ValueError) as error:
        message = f"{file} cannot be used: {error}; write one pattern per line, as in a .gitignore"
        raise SpecError((Problem("run.directory", message),)) from error
