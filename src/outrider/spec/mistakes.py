"""What can be wrong with data that a person wrote, before it has its place in the file: findings, and the rules that make them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Generic, NamedTuple, TypeVar

from pydantic import BaseModel

Path = tuple[str | int, ...]
Model = TypeVar("Model", bound=BaseModel)


class Mistake(NamedTuple):
    """One problem before it has its place in the file; ``of_key`` says that the key itself is wrong."""

    path: Path
    message: str
    suggestion: str | None = None
    of_key: bool = False


@dataclass(frozen=True)
class Rule(Generic[Model]):
    """A rule over several keys; it is asked only where each key that it reads was understood.

    ``says`` is the rule as a sentence for the reference.
    """

    reads: tuple[str, ...]
    check: Callable[[Model], Iterable[Mistake]]
    says: str


@dataclass(frozen=True)
class Kind(Generic[Model]):
    """A kind of file: its model, its rules, and what stands in for a missing required part while rules are asked."""

    model: type[Model]
    rules: tuple[Rule[Model], ...]
    stand_ins: dict[str, Any]
