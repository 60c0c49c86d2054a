"""What ignore files say of a path, in gitignore's language: those of its folder and of all above, down from one directory."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from pathlib import Path

from pathspec import GitIgnoreSpec

IGNORE_FILE = ".outriderignore"
GITS_FILE = ".gitignore"
LONGEST_IGNORE_FILE = 100_000
# What changes while somebody only looks, tests or edits; an editor's copy of the spec would undo that specs stay at home.
OF_TOOLS = (".git", ".hg", ".svn", ".DS_Store", ".idea", ".vscode", "__pycache__", ".pytest_cache", ".mypy_cache")
OF_EDITORS = ("*~", ".*.sw[a-p]", ".#*", r"\#*#")
# A line of an ignore file that begins with an exclamation mark takes any of them in again.
LEFT_OUT = (*OF_TOOLS, ".ruff_cache", ".venv", "node_modules", *OF_EDITORS, IGNORE_FILE)
BUILT_IN = GitIgnoreSpec.from_lines(LEFT_OUT)

Rules = tuple[tuple[Path, GitIgnoreSpec], ...]


class BadIgnoreFileError(ValueError):
    """An ignore file that cannot be used, with the reason."""


@dataclass(frozen=True, slots=True)
class Ignoring:
    """The rules that hold in one folder. Ours stand before git's, and in each the deeper file before the one above it."""

    root: Path
    ours: Rules = ()
    gits: Rules = ()

    def inside(self, folder: Path) -> Ignoring:
        """With those of the folder's own files. BadIgnoreFileError for one that cannot be used."""
        ours, gits = _rules(folder / IGNORE_FILE), _rules(folder / GITS_FILE)
        return replace(self, ours=(*ours, *self.ours), gits=(*gits, *self.gits)) if ours or gits else self

    def said_of(self, path: Path, *, is_folder: bool) -> bool | None:
        """Whether the path is left out; None where no rule speaks of it."""
        for base, spec in (*self.ours, *self.gits, (self.root, BUILT_IN)):
            said = spec.check_file(path.relative_to(base).as_posix() + ("/" if is_folder else "")).include
            if said is not None:
                return said
        return None


def _rules(file: Path) -> Rules:
    try:
        lines = _lines(file)
        return ((file.parent, GitIgnoreSpec.from_lines(lines)),) if lines else ()
    except (OSError, ValueError) as error:
        raise BadIgnoreFileError(f"{file} cannot be used: {error}") from error


def _lines(file: Path) -> list[str]:
    """Whoever wrote the directory wrote this file too: nothing from outside, that waits for a writer, or without an end."""
    if not os.path.lexists(file):
        return []
    if not (file.is_file() and Path(os.path.realpath(file)).is_relative_to(os.path.realpath(file.parent))):
        raise ValueError("it is no file in this directory")
    if file.stat().st_size > LONGEST_IGNORE_FILE:
        raise ValueError(f"it has more than {LONGEST_IGNORE_FILE} bytes")
    return file.read_text(encoding="utf-8-sig").splitlines()
