"""Where in the file a finding stands: in the environment's own part where that says it, else in the common one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from outrider_ground.errors import Problem

from outrider.spec.values import printable

if TYPE_CHECKING:
    from outrider.spec.mistakes import Mistake, Path
    from outrider.spec.reading.document import Document, Mark

LONGEST_KEY = 100


def problem(mistake: Mistake, document: Document, file: str, environment: str | None = None) -> Problem:
    """The finding, made in the merged view of ``environment``, as a problem with the place and path it is written at."""
    path = written_path(mistake.path, document, environment)
    at = mark(path, document, of_key=mistake.of_key)
    suggestion = None if mistake.suggestion is None else printable(mistake.suggestion)
    return Problem(dotted(path), printable(mistake.message), suggestion, file, at.line, at.column)


def written_path(path: Path, document: Document, environment: str | None) -> Path:
    """The path as it stands in the file: with ``environments.NAME`` before it where the overlay says more of it."""
    if environment is None or not path:
        return path
    overlay = ("environments", environment)
    above = known_depth((*overlay, *path), document) - len(overlay)
    return (*overlay, *path) if above > 0 and above >= known_depth(path, document) else path


def known_depth(path: Path, document: Document) -> int:
    """How much of the path is written."""
    return next(depth for depth in range(len(path), -1, -1) if path[:depth] in document.places)


def mark(path: Path, document: Document, *, of_key: bool = False) -> Mark:
    """The place of the path's value, or of its key where the key is meant or the value is a map or a list."""
    depth = known_depth(path, document)
    place = document.places[path[:depth]]
    return place.key if of_key or place.is_open or depth < len(path) else place.value


def dotted(path: Path) -> str:
    """``("checks", 0, "http")`` → ``checks.0.http``; what a terminal could take as a command is escaped."""
    return ".".join(printable(str(part)[:LONGEST_KEY]) for part in path)


def path_of(text: str, document: Document, environment: str | None = None) -> Path:
    """The path for a dotted text: keys that contain dots are recognised where the file has them."""
    roots: tuple[Path, ...] = ((),) if environment is None else (("environments", environment), ())
    root, found = max(
        ((root, path_below(root, text, document)) for root in roots),
        key=lambda pair: known_depth(pair[1], document) - len(pair[0]),
    )
    return found[len(root) :]


def path_below(root: Path, text: str, document: Document) -> Path:
    """The longest way into the file that the text can mean below ``root``; what the file does not have comes last."""
    parts = text.split(".") if text else list[str]()
    for length in range(len(parts), 0, -1):
        key = ".".join(parts[:length])
        for step in (key, int(key)) if key.isascii() and key.isdigit() else (key,):
            if (*root, step) in document.places:
                return path_below((*root, step), ".".join(parts[length:]), document)
    return (*root, *parts)
