"""How results reach a person or a program: JSON, YAML or a table on stdout, progress on stderr, colour where wanted."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import click
import yaml

from outrider.cli.plain import plain
from outrider.settings import Terminal

FORMATS = ("table", "json", "yaml")
GOOD = frozenset({"healthy", "successful", "running", "passing", "ok", "live", "yes"})
UNDERWAY = frozenset(
    {"deploying", "waiting", "pending", "warning", "degraded", "not yet", "canary", "superseded", "absent", "under way"}
)
BAD = frozenset({"failed", "unhealthy", "not placed", "critical", "lost", "unknown"})
GAP = "  "


@dataclass(frozen=True, slots=True)
class Output:
    """One of the formats; data goes to stdout, everything else to stderr."""

    form: str = "table"

    def show(self, document: Any, lines: Callable[[], Iterable[str]]) -> None:
        """Print the document as asked: as it is, or as the lines that were made for people."""
        if self.form == "json":
            click.echo(json.dumps(document, indent=2, ensure_ascii=False))
        elif self.form == "yaml":
            click.echo(yaml.safe_dump(document, sort_keys=False, allow_unicode=True), nl=False)
        else:
            for line in lines():
                click.echo(line)

    def progress(self, line: str) -> None:
        """Say something that is no result."""
        click.echo(line, err=True)


def colour(terminal: Terminal, *, is_refused: bool) -> bool | None:
    """False: never, True: also into a pipe, None: where it is a terminal. A refusal wins over a wish."""
    if is_refused or terminal.is_colour_refused or (terminal.is_dumb and not terminal.is_colour_forced):
        return False
    return True if terminal.is_colour_forced else None


def table(heads: Sequence[str], rows: Iterable[Iterable[object]]) -> list[str]:
    """Aligned columns under bold heads; words for good and bad states are coloured, empty cells are a dash."""
    cells = [["-" if cell is None or cell == "" else plain(cell) for cell in row] for row in rows]
    widths = [max(len(line[column]) for line in [list(heads), *cells]) for column in range(len(heads))]
    return [click.style(_aligned(heads, widths), bold=True)] + [_painted(_padded(line, widths)) for line in cells]


def state(word: str) -> str:
    """The word in its colour; the word itself always carries the meaning."""
    plain = word.strip()
    if plain in GOOD:
        return click.style(word, fg="green")
    if plain in UNDERWAY:
        return click.style(word, fg="yellow")
    return click.style(word, fg="red") if plain in BAD else word


def _padded(line: Sequence[str], widths: Sequence[int]) -> list[str]:
    return [cell.ljust(width) for cell, width in zip(line, widths, strict=True)]


def _aligned(line: Sequence[str], widths: Sequence[int]) -> str:
    return GAP.join(_padded(line, widths)).rstrip()


def _painted(cells: Sequence[str]) -> str:
    return GAP.join(state(cell) for cell in cells).rstrip()
