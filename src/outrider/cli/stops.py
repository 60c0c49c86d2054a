"""The verbs that put something in the way of changes, or take it away: freeze, thaw, reject."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Final, cast

import click

from outrider.cli import exits
from outrider.cli.arguments import Number
from outrider.cli.invocation import Invocation, portal_verb
from outrider.cli.output import table
from outrider.cli.printable import one_line
from outrider.cli.times import moment
from outrider.operations.request_bodies import MOST_INTEGER, FreezeBody, RejectBody, SubjectBody
from outrider.operations.stop_records import PREFIXES, Freeze, FreezeScope

AGO: Final = re.compile(r"^(?P<number>\d+(\.\d+)?)(?P<unit>[smhd])$")
UNITS: Final = {"s": 1, "m": 60, "h": 3600, "d": 86_400}


class Until(click.ParamType[datetime]):
    """A moment: ``4h`` or ``3d`` from now, or ``2026-12-01 08:00`` (of this machine's zone unless it says another)."""

    name = "until"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> datetime:
        text = str(value)
        try:
            if matched := AGO.match(text):
                return datetime.now(UTC) + timedelta(seconds=float(matched["number"]) * UNITS[matched["unit"]])
            return datetime.fromisoformat(text).astimezone()
        except (ValueError, OverflowError):
            self.fail(f"{text!r} is no time such as 4h, 3d, 2026-12-01 or '2026-12-01 08:00+01:00'", param, ctx)


@click.command(short_help="Stop deploys of a service, a team or an environment until a time; or list what is frozen.")
@click.argument("subject", required=False, metavar="[SERVICE|team:TEAM|env:ENVIRONMENT]")
@click.option("--reason", metavar="TEXT", help="Why: whoever it stops reads it.")
@click.option(
    "--until", type=Until(), metavar="TIME|DURATION", help="When it ends by itself: 4h, 3d, '2026-12-01 08:00'."
)
@portal_verb
async def freeze(invocation: Invocation, subject: str | None, reason: str | None, until: datetime | None) -> int:
    """Bring nothing new up of a service, of a team's services or in an environment until a time; alone: list freezes.

    It stops run, redeploy, start, promote and whatever else brings something new. It never stops rollback, fail, stop and
    scale. `--override freeze --reason TEXT` goes past it, `outrider thaw` ends it before its time.

    Example: outrider freeze env:production --reason "Black Friday" --until 3d
    """
    if subject is None:
        return await _list(invocation)
    if reason is None or until is None:
        raise click.UsageError("Say why and until when: --reason TEXT --until TIME.")
    scope, name = _subject(subject)
    environment = await _environment(invocation, scope, name)
    found = await invocation.portal.freeze(environment, FreezeBody(scope=scope, name=name, reason=reason, until=until))
    invocation.output.show(
        found, lambda one: [f"{one.subject} in {one.environment} is frozen until {moment(one.until)}."]
    )
    return exits.OK


@click.command(short_help="End a freeze before its time.")
@click.argument("subject", metavar="SERVICE|team:TEAM|env:ENVIRONMENT")
@portal_verb
async def thaw(invocation: Invocation, subject: str) -> int:
    """End the freezes of just this subject before their time.

    Example: outrider thaw env:production
    """
    scope, name = _subject(subject)
    environment = await _environment(invocation, scope, name)
    found = await invocation.portal.thaw(environment, SubjectBody(scope=scope, name=name))
    invocation.output.show(
        found,
        lambda shown: [
            f"{one.subject} in {one.environment} is no longer frozen ({one_line(one.reason)})." for one in shown.freezes
        ],
    )
    return exits.OK


@click.command(short_help="Mark a version so that it does not run again; --lift takes that back.")
@click.argument("service")
@click.argument("version", type=Number(1, MOST_INTEGER))
@click.option("--reason", metavar="TEXT", help="Why: whoever wants to run it reads it.")
@click.option("--lift", is_flag=True, help="Let it run again.")
@portal_verb
async def reject(invocation: Invocation, service: str, version: int, reason: str | None, *, lift: bool) -> int:
    """Mark VERSION of SERVICE as rejected: neither `run` of the same spec nor `rollback` brings it up again.

    A version whose deployment failed and that Nomad went back from is rejected by itself. Once the cause is gone, `--lift`
    lets it run again, and `--override rejected --reason TEXT` once.

    Example: outrider reject checkout 7 --reason "loses orders"
    """
    environment = await invocation.environment()
    if lift:
        found = await invocation.portal.unreject(environment, service, version)
        said = "may run again"
    elif reason is None:
        raise click.UsageError("Say why: --reason TEXT.")
    else:
        found = await invocation.portal.reject(environment, service, version, RejectBody(reason=reason))
        said = "is rejected"
    invocation.output.show(found, lambda one: [f"Version {one.number} of {one.service} in {one.environment} {said}."])
    return exits.OK


async def _list(invocation: Invocation) -> int:
    chosen = invocation.settings.environment
    names = [chosen.value] if chosen else [one.name for one in await invocation.portal.environments()]
    found = [one for name in names for one in (await invocation.portal.freezes(name)).freezes]
    invocation.output.show(found, _lines, {"freezes": found})
    return exits.OK


def _lines(found: Sequence[Freeze]) -> Iterator[str]:
    if not found:
        yield "Nothing is frozen."
        return
    heads = ("ENVIRONMENT", "FROZEN", "UNTIL", "BY", "REASON")
    yield from table(
        heads, [(one.environment, one.subject, moment(one.until), one.created_by, one.reason) for one in found]
    )


def _subject(text: str) -> tuple[FreezeScope, str]:
    scope, _, name = text.rpartition(":")
    known = {prefix.rstrip(":"): one for one, prefix in PREFIXES.items()} | {"environment": "environment"}
    if scope not in known or not name:
        raise click.UsageError(f"{text!r} is neither a service nor team:TEAM nor env:ENVIRONMENT.")
    return cast("FreezeScope", known[scope]), name


async def _environment(invocation: Invocation, scope: FreezeScope, name: str) -> str:
    """An environment is frozen in itself."""
    if scope == "environment" and not invocation.settings.environment:
        return name
    return await invocation.environment()
