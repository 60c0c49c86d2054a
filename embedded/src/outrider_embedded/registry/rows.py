"""A stored value with the indexes of its first and its last change."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Generic, TypeVar

Value = TypeVar("Value")


@dataclass(frozen=True, slots=True)
class Row(Generic[Value]):
    """One line of a table."""

    value: Value
    created: int
    modified: int


def changed(old: Row[Value] | None, value: Value, index: int) -> Row[Value] | None:
    """The row that holds ``value`` from now on, or None where it is what stood there already."""
    if old is None:
        return Row(value, index, index)
    if old.value == value:
        return None
    return Row(value, old.created, index)
