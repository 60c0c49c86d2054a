"""Which questions find out about many paths: as few as it takes, and none about everything. Pure."""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from dataclasses import dataclass

MOST_GROUPS = 16


@dataclass(frozen=True, slots=True, order=True)
class Group:
    """Paths that one question tells about: what lies below ``prefix``, or where it ``is_exact`` that one path."""

    prefix: str
    paths: tuple[str, ...]
    is_exact: bool = False


def groups(paths: Iterable[str], most: int = MOST_GROUPS) -> tuple[tuple[Group, ...], tuple[Group, ...]]:
    """The questions that are held, ``most`` of them at most, and those that are asked in turns.

    Each folder is a question of its own, with what its paths begin with alike; where there are more than may be held, the
    deepest folders are asked for by the folder that they lie in, and never by the root: what has no folder is asked for
    by itself. A path that ends with / stands for all that lies below it.
    """
    found: dict[str, set[str]] = {}
    for path in paths:
        found.setdefault(_folder(path), set()).add(path)
    single = found.pop("", set[str]())
    while len(found) + len(single) > most and (folder := _deepest(found)) is not None:
        above = _folder(folder[:-1])
        beside = [one for one in found if one != above and _folder(one[:-1]) == above]
        found.setdefault(above, set()).update(*(found.pop(one) for one in beside))
    made = sorted([_group(some) for some in found.values()] + [Group(path, (path,), is_exact=True) for path in single])
    return tuple(made[:most]), tuple(made[most:])


def _folder(path: str) -> str:
    """``a/b/`` of ``a/b/c`` and of ``a/b/`` itself, nothing of a path without a folder."""
    return path[: path.rfind("/") + 1]


def _deepest(found: Iterable[str]) -> str | None:
    """The folder that lies deepest in others; None where no folder lies in another one."""
    inner = [folder for folder in found if folder.count("/") > 1]
    return max(inner, key=lambda folder: (folder.count("/"), folder), default=None)


def _group(paths: Iterable[str]) -> Group:
    some = tuple(sorted(paths))
    if len(some) == 1:
        return Group(some[0], some, is_exact=not some[0].endswith("/"))
    return Group(_alike(some[0], some[-1]), some)


def _alike(first: str, last: str) -> str:
    """What all begin with that lie between these two by their order."""
    same = itertools.takewhile(lambda pair: pair[0] == pair[1], zip(first, last, strict=False))
    return "".join(sign for sign, _ in same)
