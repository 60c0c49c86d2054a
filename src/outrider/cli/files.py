"""The verbs that work on files alone: validate, render, schema."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from outrider.cli import exits
from outrider.cli.invocation import output_options, surroundings
from outrider.cli.output import Output
from outrider.cli.problems import error_lines
from outrider.clients.agent_archive import agent_archive
from outrider.clients.archive import directory_archive
from outrider.embedded.platform import sample_platform
from outrider.errors import OutriderError, SpecError, UsageError
from outrider.nomad.hcl import hcl
from outrider.operations.render import Rendered, Source, Surroundings, rendered
from outrider.spec.platform import Platform
from outrider.spec.reading import read_platform, read_service
from outrider.spec.run import CommandRun
from outrider.spec.schema import platform_schema, service_schema
from outrider.spec.syntax import decoded
from outrider.topology.sidecar import Artifact

FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
IS_SERVICE = re.compile(r"^[\"']?service[\"']?\s*:", re.MULTILINE)
IS_PLATFORM = re.compile(r"^[\"']?environments[\"']?\s*:", re.MULTILINE)


@click.command(short_help="Check a service spec or platform file and name every problem at once.")
@click.argument("files", type=FILE, nargs=-1)
@click.option("--platform", "platform_file", type=FILE, help="Also resolve the specs in each environment of this file.")
@output_options
def validate(output: Output, files: tuple[Path, ...], platform_file: Path | None) -> int:
    """Check FILES (outrider.yaml without any): service specs, or platform files, told apart by their keys.

    Exits 0 when all can be used, 1 when one cannot.
    """
    platform = _platform(platform_file) if platform_file else None
    chosen = files or (() if platform_file else (_default_file(),))
    results = [_checked(file, platform) for file in (*((platform_file,) if platform_file else ()), *chosen)]
    output.show({"files": [_plain(result) for result in results]}, lambda: _result_lines(results))
    return exits.OK if all(error is None for _, error in results) else exits.FAILED


@click.command(short_help="Print what a spec becomes: the Nomad job, Envoy's bootstrap, the agent's settings.")
@click.argument("file", type=FILE, default="outrider.yaml")
@click.option("-e", "--environment", metavar="NAME", help="The environment (OUTRIDER_ENVIRONMENT).")
@click.option("--platform", "platform_file", type=FILE, help="The platform file (OUTRIDER_PLATFORM); built-in without.")
@click.option("--part", type=click.Choice(["job", "envoy", "agent"]), default="job", show_default=True)
@click.option("--format", "form", type=click.Choice(["json", "hcl"]), default="json", show_default=True)
def render(file: Path, environment: str | None, platform_file: Path | None, part: str, form: str) -> int:
    """Print what FILE becomes in an environment; asks no server.

    `--part job` runs with plain `nomad job run -json` (or `nomad job run` with --format hcl); `--part envoy` has sample
    ports, so that `envoy --mode validate` accepts it as it is.
    """
    if form == "hcl" and part != "job":
        raise click.UsageError("--format hcl is for --part job")
    result = _rendered(file, environment, platform_file)
    if form == "hcl":
        click.echo(hcl(result.job), nl=False)
    else:
        click.echo(json.dumps(_part(result, part), indent=2, ensure_ascii=False))
    return exits.OK


@click.command(short_help="Print the JSON Schema of service specs or platform files, for editors.")
@click.argument("kind", type=click.Choice(["service", "platform"]), default="service")
def schema(kind: str) -> int:
    """Print the JSON Schema (2020-12) of service specs or platform files."""
    click.echo(json.dumps(service_schema() if kind == "service" else platform_schema(), indent=2, ensure_ascii=False))
    return exits.OK


def _default_file() -> Path:
    if not Path("outrider.yaml").is_file():
        raise click.UsageError("there is no outrider.yaml here; name the FILES to check")
    return Path("outrider.yaml")


def _platform(file: Path) -> Platform:
    return read_platform(decoded(file.read_bytes(), str(file)), str(file))


Checked = tuple[Path, OutriderError | None]


def _checked(file: Path, platform: Platform | None) -> Checked:
    try:
        text = decoded(file.read_bytes(), str(file))
        if IS_PLATFORM.search(text) and not IS_SERVICE.search(text):
            read_platform(text, str(file))
            return file, None
        written = read_service(text, str(file), known=tuple(platform.environments) if platform else ())
        for name in platform.environments if platform else ():
            rendered(Source(text, str(file)), Surroundings(platform or sample_platform(), name, {}))
        for name in written.environments:
            read_service(text, str(file), name)
    except OutriderError as error:
        return file, error
    return file, None


def _plain(result: Checked) -> dict[str, Any]:
    file, error = result
    problems = [asdict(problem) for problem in error.problems] if isinstance(error, SpecError) else []
    return {"file": str(file), "ok": error is None, "problems": problems}


def _result_lines(results: list[Checked]) -> Iterator[str]:
    for file, error in results:
        if error is None:
            yield f"{file}: ok"
        else:
            yield from error_lines(error)


def _rendered(file: Path, environment: str | None, platform_file: Path | None) -> Rendered:
    settings = surroundings().settings
    path = platform_file or (Path(settings.platform.value) if settings.platform else None)
    platform = _platform(path) if path else sample_platform()
    name = environment or (settings.environment.value if settings.environment else None) or _only(platform)
    text = decoded(file.read_bytes(), str(file))
    run = read_service(text, str(file), name).service.run
    folder = file.parent / run.directory if isinstance(run, CommandRun) and run.directory else None
    directory = _artifact(platform, directory_archive(folder), "directory.tar.gz") if folder else None
    agent = _artifact(platform, agent_archive(), "outrider-agent.pyz")
    return rendered(Source(text, str(file), directory), Surroundings(platform, name, {}, agent))


def _only(platform: Platform) -> str:
    names = list(platform.environments)
    if len(names) == 1:
        return names[0]
    raise click.UsageError(f"Which environment? Say -e {'|'.join(names)}, or set OUTRIDER_ENVIRONMENT.")


def _artifact(platform: Platform, content: bytes, filename: str) -> Artifact | None:
    """Where the portal serves these bytes once it has them; None for a platform whose portal has no known address."""
    digest = hashlib.sha256(content).hexdigest()
    return Artifact(f"{platform.portal.url}/artifacts/{digest}/{filename}", digest) if platform.portal else None


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
