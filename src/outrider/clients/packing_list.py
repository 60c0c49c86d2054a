"""What of a directory goes into its archive: all but service specs, caches, and what its ignore files name."""

from __future__ import annotations

import os
import re
from pathlib import Path

from outrider_ground.errors import Problem, SpecError

from outrider.clients.ignoring import IGNORE_FILE, BadIgnoreFileError, Ignoring

SPEC_SUFFIXES = frozenset({".yaml", ".yml"})
SPEC_KEYS = tuple(re.compile(rf"^[\"']?{key}[\"']?\s*:", re.MULTILINE) for key in ("service", "run"))
LONGEST_SPEC = 1_000_000
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
        self.paths: list[Path] = []
        self._add_below(directory, (self._root,), Ignoring(directory))
        self.paths.sort(key=self._name)

    def _add_below(self, folder: Path, above: tuple[str, ...], ignoring: Ignoring) -> None:
        """What is left out as a folder is not looked into, as with git; ``above`` are the real folders on the way."""
        try:
            here = ignoring.inside(folder)
        except BadIgnoreFileError as error:
            raise refused(str(error), "write one pattern per line, as in a .gitignore") from error
        for path in folder.iterdir():
            if self._is_left_out(path, here):
                continue
            real = self._checked(path, above)
            self.paths.append(path)
            if len(self.paths) > MOST_ENTRIES:
                raise refused(
                    f"{self._directory} has more than {MOST_ENTRIES} files", "leave some out, or use an image"
                )
            if path.is_dir():
                self._add_below(path, (*above, real), here)

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

    def _is_left_out(self, path: Path, ignoring: Ignoring) -> bool:
        is_folder = path.is_dir()
        said = ignoring.said_of(path, is_folder=is_folder)
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
