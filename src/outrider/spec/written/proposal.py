"""A person's wish for a spec as a new text: edited in its place, read again by the strict reader, and shown as a diff."""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from typing import Any, Protocol

from outrider.spec.reading.document import document
from outrider.spec.reading.files import ServiceFile, read_service
from outrider.spec.written.edits import Edit, edited

NO_BREAK = "\\ No newline at end of file"


class Wish(Protocol):
    """What somebody wants of a service, as edits of whatever its file says now."""

    @property
    def words(self) -> str: ...

    def edits(self, data: Any, environment: str) -> tuple[Edit, ...]: ...

    def idle(self, service: str) -> str:
        """What is said where there is nothing to do."""
        ...


@dataclass(frozen=True, slots=True)
class EditedSpec:
    """The text before and after, and what could not be kept of its style; ``read`` is the new one."""

    before: str
    text: str
    notes: tuple[str, ...]
    read: ServiceFile

    @property
    def diff(self) -> tuple[str, ...]:
        """Lines of a unified diff; none where nothing changes."""
        return diff_lines(self.before, self.text, self.read.file)


def proposed(text: str, file: str, wish: Wish, environment: str) -> EditedSpec:
    """The text with the wish fulfilled in that environment. SpecError where it cannot be read, or would be none then."""
    read_service(text, file, environment)
    made = edited(text, wish.edits(document(text, file).data, environment), file)
    return EditedSpec(text, made.text, made.notes, read_service(made.text, file, environment))


def diff_lines(before: str, after: str, file: str) -> tuple[str, ...]:
    """A unified diff as git writes it, without line ends; a missing last one is said."""
    sides = (before.splitlines(keepends=True), after.splitlines(keepends=True))
    lines = difflib.unified_diff(*sides, f"a/{file}", f"b/{file}", n=3)
    return tuple(one for line in lines for one in _shown(line))


def _shown(line: str) -> tuple[str, ...]:
    plain = line.rstrip("\r\n")
    is_marked = line.startswith(("---", "+++", "@@"))
    return (plain,) if is_marked or line.endswith("\n") else (plain, NO_BREAK)
