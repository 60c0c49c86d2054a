"""What others did to services, and what of them is no longer as it is made today, as lines on a terminal."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import click

from outrider.cli.output import table
from outrider.cli.printable import one_line
from outrider.cli.times import moment
from outrider.operations.answers.lists import Services
from outrider.operations.answers.outside import OutsideChange
from outrider.operations.answers.status import Status
from outrider.operations.undoing import undoing

MOST_NAMED = 5


def platform_lines(found: Services) -> Iterator[str]:
    """That the platform is not the one of its file, loudly."""
    if found.platform_problem:
        yield click.style(f"! {one_line(found.platform_problem)} (`outrider platform`)", fg="red")


def outside_summary(found: Iterable[Status]) -> Iterator[str]:
    """A line for each service that is not as Outrider left it."""
    for one in found:
        what = one.changes[0].said if one.changes else ""
        if one.outside or what:
            yield f"! {one.service} in {one.environment} was changed outside of Outrider{': ' if what else ''}{one_line(what)}"


def older_summary(found: Iterable[Status]) -> Iterator[str]:
    """A line for all services whose sidecar the platform would make another today."""
    older = [f"{one.service} in {one.environment}" for one in found if one.older]
    if older:
        named = ", ".join(older[:MOST_NAMED]) + (
            f" and {len(older) - MOST_NAMED} more" if len(older) > MOST_NAMED else ""
        )
        yield f"! older sidecars than the platform makes today: {named}; `outrider redeploy --older` brings them up in turns"


def older_lines(found: Status) -> Iterator[str]:
    """Where the sidecar of one service differs from today's."""
    if found.older:
        yield click.style(f"the sidecar is older than today's platform: {', '.join(found.older)}", fg="yellow")
        yield f"         `outrider redeploy {found.service} -e {found.environment}` brings it up"


def outside_lines(found: Status) -> Iterator[str]:
    """What others did to one service, by whom and when as far as Nomad knows, and what undoes it."""
    if not found.outside and not found.changes:
        return
    places = ", ".join(one_line(place) for place in found.outside)
    yield click.style(f"changed outside of Outrider{': ' if places else ''}{places}", fg="yellow")
    yield from (f"         {_said(one)}" for one in found.changes)
    yield f"         {undoing(found)}"


def outside_history(changes: Iterable[OutsideChange]) -> Iterator[str]:
    """Those that Nomad remembers, as a list of their own: they have no number, for they are not ours."""
    rows = [(moment(one.at) if one.at else None, one.kind.replace("_", " "), one.by, one.said) for one in changes]
    if rows:
        yield ""
        yield from table(("OUTSIDE OF OUTRIDER", "KIND", "BY", "WHAT"), rows)


def _said(one: OutsideChange) -> str:
    when = f", {moment(one.at)}" if one.at else ""
    return f"{one_line(one.said)}, by {one_line(one.by)}{when}"
