"""The verbs that only look: status, history, logs, endpoints, graph."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass

import click
from outrider_ground.errors import RemoteError
from pydantic_core import to_jsonable_python

from outrider.cli import exits, views
from outrider.cli.arguments import Number, by_prefix
from outrider.cli.ended import ended_lines
from outrider.cli.exec_lines import exec_lines
from outrider.cli.invocation import Invocation, portal_verb
from outrider.cli.output import is_terminal
from outrider.cli.outside import outside_history, platform_lines
from outrider.cli.printable import plain_chunks, printable
from outrider.cli.readers import unread
from outrider.cli.watching import followed, line
from outrider.operations.answers.lists import Release
from outrider.operations.answers.outside import OutsideChange
from outrider.operations.events import document_of
from outrider.operations.exec_records import Exec
from outrider.operations.records import VersionSummary


@dataclass(frozen=True, slots=True)
class History:
    """What was done with a service, newest first: by us as releases, and by others; and the versions that there are."""

    releases: tuple[Release, ...]
    versions: tuple[VersionSummary, ...]
    outside: tuple[OutsideChange, ...] = ()
    execs: tuple[Exec, ...] = ()


@click.command(short_help="Show what runs: all services, or one with its allocations.")
@click.argument("service", required=False)
@click.option(
    "--all", "with_stopped", is_flag=True, help="Stopped services too; of one service its last allocations that ended."
)
@portal_verb
async def status(invocation: Invocation, service: str | None, *, with_stopped: bool) -> int:
    """Show all services and their state, or SERVICE with its allocations; all environments without -e."""
    if service is None:
        chosen = invocation.settings.environment
        found = await invocation.portal.services(chosen.value if chosen else None)
        invocation.output.show(
            found, lambda shown: [*platform_lines(shown), *views.services(shown.services, with_stopped=with_stopped)]
        )
        return exits.OK
    environment = await invocation.environment()
    ended = await invocation.portal.ended(environment, service) if with_stopped else ()
    found = await invocation.portal.status(environment, service)
    document = {**to_jsonable_python(found), "ended": to_jsonable_python(ended)} if with_stopped else None
    invocation.output.show(found, lambda shown: [*views.service(shown), *ended_lines(ended)], document)
    return exits.OK


@click.command(short_help="List all changes of a service, by whom and why, or one deployment's events.")
@click.argument("service")
@click.option("--deployment", metavar="ID", help="Show the events of this deployment (a unique prefix will do).")
@click.option("--follow", "-f", is_flag=True, help="With --deployment: go on to its verdict.")
@portal_verb
async def history(invocation: Invocation, service: str, deployment: str | None, *, follow: bool) -> int:
    """List all changes of SERVICE as numbered releases, newest first, or the events of one deployment.

    Deploys, scales, rollbacks, stops, decisions on canaries: by whom, why, what came of it, and what it went past. Below them
    what others did, and which commands were run beside its tasks (`outrider exec`).
    """
    environment = await invocation.environment()
    if deployment is None:
        versions = await invocation.portal.versions(environment, service)
        releases = (await invocation.portal.releases(environment, service)).releases
        others = await _outside(invocation, environment, service)
        found = History(releases, versions, others, await invocation.portal.execs(environment, service))
        invocation.output.show(
            found,
            lambda shown: [
                *views.releases(shown.releases),
                *outside_history(shown.outside),
                *exec_lines(shown.execs),
            ],
        )
        return exits.OK
    deployments = await invocation.portal.deployments(environment, service)
    chosen = by_prefix(deployment, (one.id for one in deployments), "deployment")
    of_id = next(one for one in deployments if one.id == chosen)
    return await followed(invocation, of_id, None) if follow else await _events(invocation, chosen)


async def _outside(invocation: Invocation, environment: str, service: str) -> tuple[OutsideChange, ...]:
    """What others did; where Nomad does not answer, the rest is told all the same."""
    try:
        return await invocation.portal.outside(environment, service)
    except RemoteError as error:
        invocation.output.progress(f"! what others did to {service} is not known: {printable(error.message)}")
        return ()


async def _events(invocation: Invocation, deployment: str) -> int:
    events = await invocation.portal.event_list(deployment)
    document = {"events": [document_of(event) for event in events]}
    invocation.output.show(events, lambda shown: [line(event) for event in shown], document)
    return exits.OK


@click.command(short_help="Print the output of a service's tasks.")
@click.argument("service")
@click.option("--task", default="app", show_default=True, help="app, envoy, agent or gate.")
@click.option(
    "--type", "kind", type=click.Choice(["stdout", "stderr"]), default="stdout", show_default=True, help="Which output."
)
@click.option("--follow", "-f", is_flag=True, help="Go on printing what comes.")
@click.option(
    "--lines",
    "-n",
    type=Number(1),
    default=100,
    show_default=True,
    help="Start about this many lines back, per allocation.",
)
@click.option("--allocation", metavar="ID", help="Only this one, also if it has ended (a unique prefix will do).")
@click.option("--previous", "ended", flag_value="previous", help="The last allocation that no longer runs.")
@click.option("--failed", "ended", flag_value="failed", help="The last allocation that failed.")
@portal_verb
async def logs(  # noqa: PLR0913  one parameter per option of the command line
    invocation: Invocation,
    service: str,
    task: str,
    kind: str,
    *,
    follow: bool,
    lines: int,
    allocation: str | None,
    ended: str | None,
) -> int:
    """Print the output of SERVICE's tasks, of all its running allocations or of one.

    Where several run, each line begins with the short id of its allocation. --follow follows those that run when it
    begins. What ended can be read as long as Nomad has it, which is some hours: `outrider status SERVICE --all` lists it.
    """
    if allocation and ended:
        raise click.UsageError(f"--allocation names one already: leave out --{ended}.")
    environment = await invocation.environment()
    parameters = {"task": task, "type": kind, "lines": str(lines)}
    if allocation:
        parameters["allocation"] = allocation
    if ended:
        parameters["ended"] = ended
    if follow:
        parameters["follow"] = "true"
    chunks = invocation.portal.logs(environment, service, parameters)
    if invocation.output.form != "table":
        return await _lines(invocation, chunks, is_endless=follow)
    printing, reader = asyncio.create_task(_print(chunks)), asyncio.create_task(unread())
    await asyncio.wait([printing, reader], return_when=asyncio.FIRST_COMPLETED)
    reader.cancel()
    if not printing.done():
        printing.cancel()
        await asyncio.gather(printing, return_exceptions=True)
        raise BrokenPipeError  # `… -f | head` has all that it wanted, also while nothing new comes
    await printing
    return exits.OK


async def _print(chunks: AsyncIterator[bytes]) -> None:
    """As it is for a program, made plain for a terminal."""
    if is_terminal():
        async for text in plain_chunks(chunks):
            click.echo(text, nl=False)
    else:
        async for chunk in chunks:
            click.echo(chunk, nl=False)


async def _lines(invocation: Invocation, chunks: AsyncIterator[bytes], *, is_endless: bool) -> int:
    """The whole output as one document, which what is followed never becomes."""
    if is_endless:
        raise click.UsageError("--follow prints what comes as it is: leave out -o.")
    text = b"".join([chunk async for chunk in chunks]).decode(errors="replace")
    invocation.output.show({"lines": text.removesuffix("\n").split("\n") if text else []}, lambda _: ())
    return exits.OK


@click.command(short_help="Compare what Consul, the agents and the Envoys know of a service's upstreams.")
@click.argument("service")
@portal_verb
async def endpoints(invocation: Invocation, service: str) -> int:
    """Show side by side what Consul says, what each agent of SERVICE says, and what its Envoy has."""
    invocation.output.show(await invocation.portal.endpoints(await invocation.environment(), service), views.endpoints)
    return exits.OK


@click.command(short_help="Print who calls whom, with measured rates, error shares and latencies.")
@portal_verb
async def graph(invocation: Invocation) -> int:
    """Print the edges between services of an environment, with what was measured on them."""
    environment = await invocation.environment()
    invocation.output.aside("Measuring for a few seconds …")
    invocation.output.show(await invocation.portal.graph(environment), views.graph)
    return exits.OK
