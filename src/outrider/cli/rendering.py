"""The verb `render`: what a spec becomes, without asking any server."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click
from outrider_ground.errors import UsageError

from outrider.cli import exits
from outrider.cli.output import data, for_terminal
from outrider.cli.process_context import process_context
from outrider.cli.source_files import (
    FILE,
    FILE_OR_FOLDER,
    chosen_environment,
    chosen_platform,
    protocols,
    service_of,
    specs,
    text_of,
)
from outrider.clients.agent_archive import carried_agent
from outrider.clients.directory import packed_directory_of
from outrider.nomad.write.hcl import hcl
from outrider.operations.change.documents import RenderContext, Rendered, Source
from outrider.operations.change.packed_directory import Places, packed_directory
from outrider.operations.change.render import rendered
from outrider.spec.platform import Platform
from outrider.spec.run import CommandRun
from outrider.topology.sidecar import Artifact

ONLY_THE_PORTAL = (
    "this job fetches run.directory from the portal at an address that only the portal can complete: deploy it with "
    "`outrider run`, or upload the directory (`outrider upload`) and name the printed URL as run.artifact"
)


@click.command(short_help="Print what a spec becomes: the Nomad job, Envoy's bootstrap, the agent's settings.")
@click.argument("file", type=FILE, default="outrider.yaml")
@click.option("-e", "--environment", metavar="NAME", help="The environment (OUTRIDER_ENVIRONMENT).")
@click.option("--platform", "platform_file", type=FILE, help="The platform file (OUTRIDER_PLATFORM); built-in without.")
@click.option(
    "--with",
    "callees",
    type=FILE_OR_FOLDER,
    multiple=True,
    help="The spec of a service that it calls, for its protocol, or a folder of specs.",
)
@click.option(
    "--part", type=click.Choice(["job", "envoy", "agent"]), default="job", show_default=True, help="What to print."
)
@click.option(
    "--format",
    "form",
    type=click.Choice(["json", "hcl"]),
    default="json",
    show_default=True,
    help="How to write the job.",
)
def render(file: Path, part: str, form: str, **chosen: Any) -> int:
    """Print what FILE becomes in an environment; asks no server.

    `--part job` runs with plain `nomad job run -json` (or `nomad job run` with --format hcl); `--part envoy` has sample
    ports, so that `envoy --mode validate` accepts it as it is.
    """
    if form == "hcl" and part != "job":
        raise click.UsageError("--format hcl is for --part job")
    result = _rendered(file, part, **chosen)
    if form == "hcl":
        click.echo(for_terminal(hcl(result.job)), nl=False)
    else:
        click.echo(data(_part(result, part), "json"), nl=False)
    return exits.OK


def _rendered(
    file: Path, part: str, environment: str | None, platform_file: Path | None, callees: tuple[Path, ...]
) -> Rendered:
    settings = process_context().settings
    platform = chosen_platform(platform_file, settings)
    name = chosen_environment(environment, settings, platform)
    run = service_of(file, name).service.run
    written = run.directory if isinstance(run, CommandRun) else None
    directory = _packed(platform, file, written, is_of_job=part == "job") if written else None
    known = protocols(specs(callees), name)
    return rendered(Source(text_of(file), str(file), directory), RenderContext(platform, name, known, carried_agent()))


def _packed(platform: Platform, file: Path, written: str, *, is_of_job: bool) -> Artifact | None:
    """Where nodes fetch the directory once it lies there.

    Without a store or a portal of a known address: UsageError for a job, which no node could run; None for other parts.
    """
    if not (is_of_job or platform.portal or platform.artifacts):
        return None
    places = Places(platform, platform.portal.url if platform.portal else None, None)
    found = packed_directory(places, packed_directory_of(file, written).sha256)
    if is_of_job and found.is_portals:
        click.echo(f"warning: {ONLY_THE_PORTAL}", err=True)
    return found


def _part(result: Rendered, part: str) -> dict[str, Any]:
    if part == "job":
        return {"Job": result.job}
    if result.bootstrap is None:
        raise UsageError(f"{result.service.service} has no sidecar: mesh is false", next_step="Only --part job exists.")
    return result.bootstrap if part == "envoy" else _agent_settings(result.job)


def _agent_settings(job: dict[str, Any]) -> dict[str, Any]:
    """The agent's environment as the job sets it; ports and paths of the allocation are Nomad's to fill in."""
    tasks = [task for group in job["TaskGroups"] for task in group["Tasks"]]
    return next(task.get("Env") or {} for task in tasks if task["Name"] == "agent")
