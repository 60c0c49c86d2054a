"""Errors as a person reads them: place, key, message, the line itself with a caret, and the next step."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import click

from outrider.cli.plain import plain
from outrider.errors import OutriderError, Problem, SpecError

WIDEST = 160


def report(error: OutriderError) -> None:
    """The error on stderr: what happened, then what to do."""
    for line in error_lines(error):
        click.echo(line, err=True)


def error_lines(error: OutriderError) -> Iterator[str]:
    """The error's lines; every problem of a SpecError with the place where it was written."""
    if isinstance(error, SpecError):
        for problem in error.problems:
            yield from problem_lines(problem)
        number = len(error.problems)
        yield click.style(f"{number} problem{'s' if number > 1 else ''}.", fg="red", bold=True)
    else:
        yield click.style("Error: ", fg="red", bold=True) + plain(error.message)
    if error.next_step:
        yield error.next_step


def problem_lines(problem: Problem) -> Iterator[str]:
    """``file:line:column: path: message`` and below it the line with a caret under the column, where it is here."""
    yield plain(problem)
    source = _source(problem)
    if source is not None and problem.line:
        number = f"{problem.line:>5}"
        yield f"{number} | {source[:WIDEST]}"
        if problem.column and problem.column <= WIDEST:
            yield " " * len(number) + " | " + " " * (problem.column - 1) + click.style("^", fg="red")


def _source(problem: Problem) -> str | None:
    """The line of the file, as long as it can be read and has no control characters."""
    try:
        lines = Path(problem.file).read_text().splitlines() if problem.file and problem.line else []
    except (OSError, UnicodeDecodeError):
        return None
    index = (problem.line or 0) - 1
    return lines[index] if 0 <= index < len(lines) and lines[index].isprintable() else None
