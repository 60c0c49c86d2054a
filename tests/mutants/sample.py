"""Which mutations of a room are tried, and by which tests: the checked-in choice of rooms, floors and equivalents."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from mutants.mutations import Mutation, mutations

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
ENOUGH = 20.0  # seconds of tests that a mutation is given at most, as they took without it
Equivalent = tuple[str, str, str, str, int]


@dataclass(frozen=True)
class Room:
    """``floor`` in per cent."""

    name: str
    sources: Path
    tests: tuple[str, ...]
    sample: int
    floor: float

    @property
    def package(self) -> Path:
        """The folder of the package that ``sys.path`` finds."""
        return next(one for one in (self.sources, *self.sources.parents) if not (one.parent / "__init__.py").exists())

    def mutations(self) -> list[Mutation]:
        paths = sorted(path for path in self.sources.rglob("*.py") if "versions" not in path.parts)
        return [one for path in paths for one in mutations(str(path.relative_to(ROOT)), path.read_text())]


@dataclass
class Seen:
    """What one run without mutations has shown: tests by line, seconds by test."""

    lines: dict[str, dict[int, list[str]]] = field(default_factory=dict[str, dict[int, list[str]]])
    seconds: dict[str, float] = field(default_factory=dict[str, float])

    def tests_of(self, mutation: Mutation) -> list[str]:
        """Those that run its lines, fastest first; of what runs at import, or is run by none, those of its file and all others.

        Those that start our code as another process, and run no line of it in their own, are asked last.
        """
        of_file = self.lines.get(mutation.path, {})
        by_lines = {test for line in mutation.lines for test in of_file.get(line, ())}
        by_file = {test for tests in of_file.values() for test in tests}
        here = self._ordered(by_lines)
        if not here or "" in by_lines:
            here += self._ordered(by_file - by_lines) + self._ordered(set(self.seconds) - by_file - self._elsewhere)
        return [*self._affordable(here), *self._affordable(self._ordered(self._elsewhere))]

    def all_affordable(self) -> list[str]:
        """In the order and to the extent that a mutation at import would be given them."""
        return [
            *self._affordable(self._ordered(set(self.seconds) - self._elsewhere)),
            *self._affordable(self._ordered(self._elsewhere)),
        ]

    @cached_property
    def _elsewhere(self) -> set[str]:
        here = {test for lines in self.lines.values() for tests in lines.values() for test in tests}
        return set(self.seconds) - here

    def cost(self, tests: Iterable[str]) -> float:
        return sum(self.seconds[test] for test in tests)

    def _ordered(self, tests: set[str]) -> list[str]:
        return sorted(tests & set(self.seconds), key=lambda test: (self.seconds[test], test))

    def _affordable(self, tests: Sequence[str]) -> list[str]:
        spent = 0.0
        chosen: list[str] = []
        for test in tests:
            spent += self.seconds[test]
            if spent > ENOUGH:
                break
            chosen.append(test)
        return chosen


def rooms(path: Path = HERE / "rooms.toml") -> tuple[int, list[Room]]:
    """The seed and every room."""
    document = tomllib.loads(path.read_text())
    return int(document["seed"]), [
        Room(name, ROOT / room["sources"], tuple(room["tests"]), room["sample"], room["floor"])
        for name, room in document["rooms"].items()
    ]


def equivalents(path: Path = HERE / "equivalents.toml") -> dict[Equivalent, str]:
    """The reason of each mutation that changes nothing."""
    entries: list[Mapping[str, Any]] = tomllib.loads(path.read_text()).get("equivalent", [])
    return {
        (one["path"], one["scope"], one["before"], one["after"], one.get("ordinal", 1)): one["reason"]
        for one in entries
    }


def sample(found: Sequence[Mutation], seed: int, count: int, left_out: Mapping[Equivalent, str]) -> list[Mutation]:
    """By chance, but the same in every run."""
    tried = [one for one in found if one.key not in left_out]
    return sorted(tried, key=lambda one: one.rank(seed))[:count]
