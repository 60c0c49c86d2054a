"""How results reach a person or a program: JSON, YAML or a table on stdout, progress on stderr, colour where wanted."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import click
import yaml
from pydantic_core import to_jsonable_python

from outrider.cli.printable import escaped, one_line, printable, printable_document
from outrider.operations.signs import Mood, sign_of
from outrider.settings import Terminal

COLOURS: Mapping[Mood, str | None] = {"good": "green", "busy": "yellow", "warn": "yellow", "bad": "red", "calm": None}
Shown = TypeVar("Shown")
GAP = "  "
COLOUR = re.compile("(\x1b\\[[0-9;]*m)")


@dataclass(frozen=True, slots=True)
class Output:
    """One of the formats; data goes to stdout, everything else to stderr."""

    form: str = "table"

    def show(self, found: Shown, lines: Callable[[Shown], Iterable[str]], document: Any = None) -> None:
        """Print what was found as asked: as data, or as the lines that are made for people of its plain texts.

        ``document`` is what is printed as data where that is more than what was found.
        """
        if self.form == "table":
            for line in lines(printable_document(found)):
                click.echo(_guarded(line))
        else:
            click.echo(data(to_jsonable_python(document or found), self.form), nl=False)

    def write(self, text: str) -> None:
        """Print a text that is the whole result already, as Markdown is."""
        click.echo(text, nl=False)

    def progress(self, line: str) -> None:
        """Say something that is no result."""
        click.echo(line, err=True)

    def aside(self, line: str) -> None:
        """Say what only a person wants to know: who asked for data may read stderr too."""
        if self.form == "table":
            self.progress(line)


def for_terminal(text: str) -> str:
    """The text, made plain where a terminal shows it; a pipe gets it as it is."""
    return printable(text) if is_terminal() else text


def is_terminal() -> bool:
    """Whether a person reads standard output."""
    return sys.stdout.isatty()


def _guarded(line: str) -> str:
    """The line with its colours, and without anything else that a terminal would obey."""
    return "".join(part if COLOUR.fullmatch(part) else printable(part) for part in COLOUR.split(line))


def data(document: Any, form: str) -> str:
    """The document as JSON or YAML; what a terminal could take as a command is an escape in both."""
    text = json.dumps(document, indent=2, ensure_ascii=False)
    if form == "json":
        return escaped(text) + "\n"
    is_plain = escaped(text) == text
    return yaml.safe_dump(json.loads(text), sort_keys=False, allow_unicode=is_plain)


def colour(terminal: Terminal, *, is_refused: bool) -> bool | None:
    """False: never, True: also into a pipe, None: where it is a terminal. A refusal wins over a wish."""
    if is_refused or terminal.is_colour_refused or (terminal.is_dumb and not terminal.is_colour_forced):
        return False
    return True if terminal.is_colour_forced else None


def table(heads: Sequence[str], rows: Iterable[Iterable[object]]) -> list[str]:
    """Aligned columns under bold heads; words for good and bad states are coloured, empty cells are a dash."""
    cells = [["-" if cell is None or cell == "" else one_line(cell) for cell in row] for row in rows]
    widths = [max(len(line[column]) for line in [list(heads), *cells]) for column in range(len(heads))]
    return [click.style(_aligned(heads, widths), bold=True)] + [_painted(_padded(line, widths)) for line in cells]


def state(word: str) -> str:
    """The word in its colour; the word itself always carries the meaning."""
    sign = sign_of(word)
    colour = COLOURS[sign.mood] if sign else None
    return click.style(word, fg=colour) if colour else word


def _padded(line: Sequence[str], widths: Sequence[int]) -> list[str]:
    return [cell.ljust(width) for cell, width in zip(line, widths, strict=True)]


def _aligned(line: Sequence[str], widths: Sequence[int]) -> str:
    return GAP.join(_padded(line, widths)).rstrip()


def _painted(cells: Sequence[str]) -> str:
    return GAP.join(state(cell) for cell in cells).rstrip()
