"""Values that are kept elsewhere as lines on a terminal: each by its fingerprints, and what waits to be rolled out."""

from __future__ import annotations

from collections.abc import Iterator

import click

from outrider.cli.arguments import short
from outrider.cli.output import table
from outrider.cli.printable import one_line
from outrider.cli.times import moment
from outrider.operations.answers.values import ServiceValues, Value


def value_lines(found: ServiceValues) -> Iterator[str]:
    """A line for each value, then what holds the changed ones, and which allocations are behind."""
    yield click.style(f"{found.service} in {found.environment}", bold=True)
    if not found.values:
        yield "It reads nothing elsewhere, or does not run."
        return
    heads = ("FOR", "READ FROM", "ON CHANGE", "STATE", "DEPLOYED", "NOW", "SINCE")
    yield from table(heads, [_row(one) for one in found.values])
    yield from pending_lines(found)
    yield from (f"! {one_line(one.reference)}: {one_line(one.problem)}" for one in found.values if one.problem)
    behind = {name for one in found.values for name in one.behind}
    yield from _started(found, behind)


def pending_lines(found: ServiceValues) -> Iterator[str]:
    """What waits to be rolled out, and what for."""
    for reference in dict.fromkeys(one.reference for one in found.pending):
        yield click.style(f"pending: {one_line(reference)} has changed since allocations read it", fg="yellow")
    if found.pending:
        how = found.held or "it is rolled out by itself, as soon as nothing has changed for some seconds"
        yield f"         {one_line(how)}"


def _row(one: Value) -> tuple[object, ...]:
    kept = f"{one.reference}#{one.item}" if one.item else one.reference
    since = moment(one.since) if one.since else None
    return one.purpose, kept, one.on_change, one.state.replace("_", " "), " ".join(one.deployed), one.now, since


def _started(found: ServiceValues, behind: set[str]) -> Iterator[str]:
    if found.allocations:
        yield ""
        rows = [
            (
                short(one.allocation),
                moment(one.at) if one.at else None,
                "before a change" if one.allocation in behind else " ",
            )
            for one in found.allocations
        ]
        yield from table(("ALLOCATION", "STARTED", ""), rows)
