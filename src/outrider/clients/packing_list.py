"""What of a directory goes into its archive: all but service specs, caches, and what its ``.outriderignore`` names."""

from __future__ import annotations

import os
import re
from pathlib import Path

from outrider_ground.errors import Problem, SpecError
from pathspec import GitIgnoreSpec

IGNORE_FILE = ".outriderignore"
# What changes while somebody only looks, tests or edits; an editor's copy of the spec would undo that specs stay at home.
OF_TOOLS = (".git", ".hg", ".svn", ".DS_Store", ".idea", ".vscode", "__pycache__", ".pytest_cache", ".mypy_cache")
OF_EDITORS = ("*~", ".*.sw[a-p]", ".#*", r"\#*#")
# A line of the ignore file that begins with an exclamation mark takes any of them in again.
LEFT_OUT = (*OF_TOOLS, ".ruff_cache", ".venv", "node_modules", *OF_EDITORS, f"/{IGNORE_FILE}")
SPEC_SUFFIXES = frozenset({".yaml", ".yml"})
SPEC_KEYS = tuple(re.compile(rf"^[\"']?{key}[\"']?\s*:", re.MULTILINE) for key in ("service", "run"))
LONGEST_SPEC = 1_000_000
LONGEST_IGNORE_FILE = 100_000
MOST_ENTRIES = 50_000
STORED = re.compile(r"[0-9a-f]{64}")
STORED_FILES = frozenset({"directory.tar.gz", "outrider-agent.pyz"})


class PackingList:
    """The paths of one directory, sorted, as if links were what they lead to; ``specs`` are those that stay at home.

    A spec says how a service is deployed: were it part of what runs, another count would replace every allocation.
    Nomad's getter makes an empty file of a link (go-getter, decompress_tar.go), so none of them may be packed as one.
    """

    def __init__(self, directory: Path, spec: Path | None = None) -> None:
        self.specs: list[str] = []
        self._directory = directory
        self._root = os.path.realpath(directory)
        self._spec = os.path.realpath(spec) if spec else None
        self._ignored = _ignored(directory / IGNORE_FILE)
        self.paths: list[Path] = []
        self._add_below(directory, (self._root,))
        self.paths.sort(key=self._name)

    def _add_below(self, folder: Path, above: tuple[str, ...]) -> None:
        """What is left out as a folder is not looked into, as with git; ``above`` are the real folders on the way."""
        for path in folder.iterdir():
            if self._is_left_out(path):
                continue
            real = self._checked(path, above)
            self.paths.append(path)
            if len(self.paths) > MOST_ENTRIES:
                raise refused(
                    f"{self._directory} has more than {MOST_ENTRIES} files", "leave some out, or use an image"
                )
            if path.is_dir():
                self._add_below(path, (*above, real))

    def _checked(self, path: Path, above: tuple[str, ...]) -> str:
        """Where the path really is: a link stays inside, and ends."""
        real = os.path.realpath(path)
        if not path.is_symlink():
            return real
        if not Path(real).is_relative_to(self._root):
            raise refused(f"{path} is a link that leads out of {self._directory}", "copy the file instead")
        if real in above or Path(real).is_symlink():
            raise refused(f"{path} is a link that leads in a circle", f"remove it, or name it in {IGNORE_FILE}")
        if not path.exists():
            raise refused(f"{path} is a link that leads nowhere", f"remove it, or name it in {IGNORE_FILE}")
        return real

    def _is_left_out(self, path: Path) -> bool:
        is_folder = path.is_dir()
        said = self._ignored.check_file(self._name(path) + ("/" if is_folder else "")).include
        if said is not None:
            return said
        if is_folder:
            return is_stored(path) or is_store(path)
        if not self._is_spec(path):
            return False
        self.specs.append(self._name(path))
        return True

    def _is_spec(self, path: Path) -> bool:
        """The spec itself, by whatever name or link, and its neighbours: any YAML file with ``service`` and ``run``."""
        real = Path(os.path.realpath(path))  # unlike resolve(), it ends where links lead in a circle
        if str(real) == self._spec:
            return True
        if SPEC_SUFFIXES.isdisjoint({path.suffix, real.suffix}) or not path.is_file():
            return False
        if path.stat().st_size > LONGEST_SPEC:
            return False
        text = path.read_text(encoding="utf-8", errors="replace")
        return all(key.search(text) for key in SPEC_KEYS)

    def _name(self, path: Path) -> str:
        return path.relative_to(self._directory).as_posix()


def is_stored(folder: Path) -> bool:
    """Whether ``outrider pack`` wrote it: were that packed again, no two times would be the same."""
    if not STORED.fullmatch(folder.name):
        return False
    inner = {one.name for one in folder.iterdir()}
    return bool(inner) and inner <= STORED_FILES


def is_store(folder: Path) -> bool:
    """Whether there is nothing else in it (``outrider pack --to FOLDER``)."""
    inner = list(folder.iterdir())
    return bool(inner) and all(one.is_dir() and is_stored(one) for one in inner)


def refused(message: str, hint: str) -> SpecError:
    """The error for what cannot be packed, and what to do about it."""
    return SpecError((Problem("run.directory", f"{message}; {hint}"),))


def _ignored(file: Path) -> GitIgnoreSpec:
    """The patterns of an ignore file, in gitignore's language; without one those that hold everywhere."""
    try:
        return GitIgnoreSpec.from_lines([*LEFT_OUT, *_lines(file)])
    except (OSError, ValueError) as error:
        raise refused(f"{file} cannot be used: {error}", "write one pattern per line, as in a .gitignore") from error


def _lines(file: Path) -> list[str]:
    """Whoever wrote the directory wrote this file too: nothing from outside, that waits for a writer, or without an end."""
    if not os.path.lexists(file):
        return []
    if not (file.is_file() and Path(os.path.realpath(file)).is_relative_to(os.path.realpath(file.parent))):
        raise ValueError("it is no file in this directory")
    if file.stat().st_size > LONGEST_IGNORE_FILE:
        raise ValueError(f"it has more than {LONGEST_IGNORE_FILE} bytes")
    return file.read_text(encoding="utf-8-sig").splitlines()
