"""Errors as a person reads them: place, key, message, the line itself with a caret, and the next step."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click
from outrider_ground.errors import (
    ConflictError,
    DeployFailed,
    OutriderError,
    Problem,
    RemoteError,
    SpecError,
    UsageError,
)

from outrider.cli.printable import escaped, one_line, printable
from outrider.documents import MOST_SPEC_BYTES
from outrider.operations.answers.blockers import BlockedError, Blocker

WIDEST = 160
USAGE = "The command line cannot be read"
TITLES: dict[type[Exception], str] = {
    SpecError: "The spec cannot be used",
    UsageError: "There is no such thing",
    BlockedError: "It cannot go yet",
    ConflictError: "Somebody was faster",
    RemoteError: "A server outside does not do its part",
    DeployFailed: "The deployment failed",
    OutriderError: "It does not work here",
}


def report(error: OutriderError, form: str = "table") -> None:
    """The error on stderr: what happened, then what to do; as one line of JSON, or as YAML, where data was asked for."""
    if form == "table":
        for line in error_lines(error):
            click.echo(line, err=True)
    else:
        click.echo(problem_text(document_of(error), form), err=True)


def report_usage(error: click.ClickException, form: str) -> None:
    """A wrong command line, in the same form as any other error."""
    if form == "table":
        click.echo(printable(_shown(error)), err=True, nl=False)
    else:
        step = error.ctx.get_usage() if isinstance(error, click.UsageError) and error.ctx else None
        found = {"title": USAGE, "detail": error.format_message(), "next_step": step}
        click.echo(problem_text({name: value for name, value in found.items() if value}, form), err=True)


def document_of(error: OutriderError) -> dict[str, Any]:
    """A problem document as the portal's API has them (RFC 9457), without a status: no server answered."""
    kind = next(kind for kind in type(error).__mro__ if kind in TITLES)
    found: dict[str, Any] = {"title": TITLES[kind], "detail": error.message, "next_step": error.next_step}
    if isinstance(error, SpecError):
        found["problems"] = [asdict(problem) for problem in error.problems]
    if isinstance(error, BlockedError):
        found["blockers"] = [asdict(blocker) for blocker in error.blockers]
    return {name: value for name, value in found.items() if value is not None}


def problem_text(document: dict[str, Any], form: str) -> str:
    """One line of JSON, which a program finds behind whatever progress was told; or a YAML document, of JSON's values."""
    if form == "json":
        return escaped(json.dumps(document, ensure_ascii=False))
    lines = (f"{name}: {json.dumps(value, ensure_ascii=False)}" for name, value in document.items())
    return escaped("\n".join(("---", *lines)))


def _shown(error: click.ClickException) -> str:
    """What click prints of it."""
    said = io.StringIO()
    error.show(said)
    return said.getvalue()


def error_lines(error: OutriderError) -> Iterator[str]:
    """The error's lines; every problem of a SpecError with the place where it was written."""
    if isinstance(error, SpecError):
        for problem in error.problems:
            yield from problem_lines(problem)
        number = len(error.problems)
        yield click.style(f"{number} problem{'s' if number > 1 else ''}.", fg="red", bold=True)
    else:
        yield click.style("Error: ", fg="red", bold=True) + printable(error.message)
    if isinstance(error, BlockedError):
        yield from blocker_lines(error.blockers)
    if error.next_step:
        yield printable(error.next_step)


def blocker_lines(blockers: Sequence[Blocker]) -> Iterator[str]:
    """What stops a change, each with its reason and who lifts it."""
    yield click.style("Before this can go:", bold=True)
    width = max(len(one.name) for one in blockers)
    for one in blockers:
        yield f"  {one.name:<{width}}  {one_line(one.reason)}"
        yield f"  {'':<{width}}  lifted by {one_line(one.lifted_by)}"


def problem_lines(problem: Problem) -> Iterator[str]:
    """``file:line:column: path: message`` and below it the line with a caret under the column, where it is here."""
    yield one_line(problem)
    source = _source(problem)
    if source is not None and problem.line:
        number = f"{problem.line:>5}"
        yield f"{number} | {source[:WIDEST]}{'…' if len(source) > WIDEST else ''}"
        if problem.column and problem.column <= WIDEST:
            yield " " * len(number) + " | " + " " * (problem.column - 1) + click.style("^", fg="red")


def _source(problem: Problem) -> str | None:
    """The line of the file, as long as it can be read and has no control characters."""
    try:
        lines = _text(Path(problem.file)).splitlines() if problem.file and problem.line else []
    except (OSError, ValueError):
        return None
    index = (problem.line or 0) - 1
    return lines[index] if 0 <= index < len(lines) and lines[index].isprintable() else None


def _text(file: Path) -> str:
    """A portal may have named the file: nothing is waited for, and nothing read without end."""
    if not file.is_file():
        return ""
    with file.open("rb") as opened:
        return opened.read(MOST_SPEC_BYTES).decode()
