"""The verbs that bring versions from one environment to another: release, approve."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from datetime import UTC, datetime

import click

from outrider.cli import exits
from outrider.cli.arguments import Number
from outrider.cli.invocation import Invocation, portal_verb
from outrider.cli.printable import printable
from outrider.cli.problems import blocker_lines
from outrider.cli.reasons import Why, reason_options, said_reason
from outrider.cli.rollout_lines import field_lines
from outrider.cli.times import moment
from outrider.cli.watching import Waiting, waiting_options, watched
from outrider.operations.answers.release import ReleaseImage, ReleasePlan
from outrider.operations.request_bodies import MOST_INTEGER, ApprovalBody, ReleaseBody, ReleasePlanBody

FROM = click.option(
    "--from", "source", metavar="ENVIRONMENT", help="Where it runs; left out: release.after of the platform file."
)
TO = click.option("--to", "target", metavar="ENVIRONMENT", help="Where it is to run, as -e has it.")
RESOLVED = {
    "written": "as the spec has it",
    "deployed": "as the registry named it when it was deployed there",
    "now": "as the registry names it now: of when it was deployed nothing is known",
}
UNITS = ((86_400, "d"), (3_600, "h"), (60, "min"))


@click.command(short_help="Bring exactly what runs in one environment to another.")
@click.argument("service")
@FROM
@TO
@click.option("--plan", "is_plan", is_flag=True, help="Show what it would do, and do nothing (exit codes of `plan`).")
@reason_options
@waiting_options
@portal_verb
async def release(  # noqa: PLR0913  one parameter per option of the command line
    invocation: Invocation,
    service: str,
    source: str | None,
    target: str | None,
    *,
    is_plan: bool,
    why: Why,
    waiting: Waiting,
) -> int:
    """Bring what runs of SERVICE in one environment to another: its stored version, with the image by its digest.

    outrider release checkout --from stage --to production

    What its spec says of the other environment holds there; that is shown before, with what would change, since when it
    runs and whether it is healthy. Refused where nobody knows what runs, somebody has changed it outside, or it is being
    deployed. An environment may ask for time to soak or another person's approval (`outrider approve`).
    """
    environment = target or await invocation.environment()
    found = await invocation.portal.plan_release(environment, service, ReleasePlanBody(source=source))
    if is_plan:
        invocation.output.show(found, _lines)
        if found.plan.refusals:
            return exits.PLAN_ERROR
        return exits.CHANGES if found.plan.has_changes else exits.OK
    for line in _lines(found):
        invocation.output.aside(line)
    body = ReleaseBody(source=source, **why.fields)
    deployment = await invocation.portal.release(environment, service, body, str(uuid.uuid4()))
    return await watched(invocation, deployment, waiting)


@click.command(short_help="Say that a version may come to an environment that asks for another person's word.")
@click.argument("service")
@click.argument("version", type=Number(1, MOST_INTEGER), required=False)
@FROM
@TO
@click.option("--reason", required=True, metavar="TEXT", callback=said_reason, help="Why; the history keeps it.")
@portal_verb
async def approve(
    invocation: Invocation, service: str, version: int | None, source: str | None, target: str | None, *, reason: str
) -> int:
    """Approve of VERSION of SERVICE in one environment, by default the one that runs there, for its release to another.

    outrider approve checkout 7 --from stage --to production --reason "load test passed"
    """
    environment = target or await invocation.environment()
    body = ApprovalBody(source=source, version=version, reason=reason)
    made = await invocation.portal.approve(environment, service, body)
    told = (
        f"{made.by} approves of version {made.version} of {service} in {made.source} for {environment}: {made.reason}"
    )
    invocation.output.show(made, lambda _: [printable(told)])
    return exits.OK


def _lines(found: ReleasePlan) -> Iterator[str]:
    origin, service = found.origin, found.service
    yield click.style(f"{service}: version {origin.version} of {origin.environment} to {found.environment}", bold=True)
    health = f"not healthy: {origin.problem}" if origin.problem else "healthy"
    yield f"runs in {origin.environment} since {moment(origin.running_since)} ({_for(origin.running_since)}), deployed by {origin.deployed_by}; {health}"
    yield from _same(found)
    if found.differs:
        yield f"In {found.environment} it is another than in {origin.environment}:"
        yield from field_lines(found.differs)
    yield from (f"approved by {one.by} at {moment(one.at)}: {one.reason}" for one in found.approvals)
    yield from (click.style(f"! {text}", fg="yellow") for text in (*found.warnings, *found.plan.warnings))
    if not found.plan.has_changes:
        yield f"No change: {service} in {found.environment} already runs this."
    elif found.plan.changes:
        yield f"What changes in {found.environment}:"
        yield from field_lines(found.plan.changes)
    if found.plan.blockers:
        yield from blocker_lines(found.plan.blockers)


def _same(found: ReleasePlan) -> Iterator[str]:
    """What is the same in both, by its hash."""
    if found.image is not None:
        yield f"image {found.image.name}: {_digest(found.image)}"
    if found.artifact is not None:
        yield f"directory {found.artifact[:12]}: the same content"


def _digest(image: ReleaseImage) -> str:
    return f"{image.digest}, {RESOLVED[image.resolved]}" if image.digest else "not pinned: its digest is not known"


def _for(since: datetime) -> str:
    seconds = max(0, int((datetime.now(UTC) - since).total_seconds()))
    number, unit = next(((seconds // size, unit) for size, unit in UNITS if seconds >= size), (seconds, "s"))
    return f"{number} {unit}"
