"""The verb `platform`: the platform file as the portal goes by it, and what of a changed one is not in force."""

from __future__ import annotations

from collections.abc import Iterator

import click

from outrider.cli import exits
from outrider.cli.invocation import Invocation, portal_verb
from outrider.cli.printable import one_line
from outrider.cli.rollout_lines import values_of
from outrider.cli.times import moment
from outrider.operations.answers.plan import Change
from outrider.operations.answers.platform import PlatformState


@click.command(short_help="Show the platform file that the portal goes by, and a changed one that it refuses.")
@click.argument("what", required=False, type=click.Choice(["diff"]))
@portal_verb
async def platform(invocation: Invocation, what: str | None) -> int:
    """Show the platform file in force at the portal: its hash, since when, what its last change did.

    A changed file is read without a restart, every few seconds and at SIGHUP, and taken whole or not at all: where it is
    refused, this says why and ends with exit code 1. `outrider platform diff` shows only what the file on the portal's disk
    changes, or its last change has changed.
    """
    found = await invocation.portal.platform()
    invocation.output.show(found, _differences if what else _state)
    return exits.FAILED if found.refused else exits.OK


def _state(found: PlatformState) -> Iterator[str]:
    yield f"file          {found.file or 'none: built in'}"
    yield f"hash          {found.hash or '-'}"
    yield f"in force      since {moment(found.since)}"
    yield f"environments  {', '.join(found.environments)}"
    if found.changes:
        yield "changed then:"
        yield from _lines(found.changes)
    if found.refused:
        yield click.style(
            f"! the changed file {found.refused.hash} is refused, since {moment(found.refused.at)}:", fg="red"
        )
        yield from (f"  {one_line(problem)}" for problem in found.refused.problems)
        yield from _lines(found.refused.changes)


def _differences(found: PlatformState) -> Iterator[str]:
    changes = found.refused.changes if found.refused else found.changes
    yield from _lines(changes)
    if not changes:
        yield "No differences."


def _lines(changes: tuple[Change, ...]) -> Iterator[str]:
    return (f"  {one.sign} {one_line(one.path)}: {one_line(values_of(one))}" for one in changes)
