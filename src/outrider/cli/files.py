"""The verbs that check and describe what people write: validate, schema."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import click
from outrider_ground.errors import OutriderError, SpecError

from outrider.cli import exits
from outrider.cli.output import Output, data
from outrider.cli.problems import error_lines
from outrider.cli.process_context import output_options
from outrider.cli.source_files import DEFAULT, FILE, IS_SERVICE, platform_of, protocols, text_of
from outrider.operations.change.documents import RenderContext, Source
from outrider.operations.change.render import rendered
from outrider.operations.explain.service import surprises
from outrider.operations.lookalikes import lookalikes
from outrider.spec.platform import Platform
from outrider.spec.reading.files import read_platform, read_service
from outrider.spec.schema import platform_schema, service_schema

NAMED = re.compile(r"^[\"']?service[\"']?\s*:\s*[\"']?([\w.-]+)", re.MULTILINE)
IS_PLATFORM = re.compile(r"^[\"']?environments[\"']?\s*:", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Checked:
    """A file and what is wrong with it."""

    file: Path
    error: OutriderError | None


@click.command(short_help="Check a service spec or platform file and name every problem at once.")
@click.argument("files", type=FILE, nargs=-1)
@click.option("--platform", "platform_file", type=FILE, help="Also resolve the specs in each environment of this file.")
@output_options
def validate(output: Output, files: tuple[Path, ...], platform_file: Path | None) -> int:
    """Check FILES (outrider.yaml without any): service specs, or platform files, told apart by their keys.

    With --platform each service that one of them calls must be among FILES, or have its protocol written; what may
    surprise there is warned of, as are deadlines that contradict each other. Exits 0 when all can be used, 1 when one
    cannot.
    """
    chosen = files or (() if platform_file else (_default_file(),))
    results = [_checked(file) for file in (*((platform_file,) if platform_file else ()), *chosen)]
    warnings = _alike(chosen)
    if platform_file and all(result.error is None for result in results):
        results = [results[0], *_resolved(chosen, platform_of(platform_file))]
        if all(result.error is None for result in results):
            warnings += _warnings(chosen, platform_of(platform_file))
    document = {"files": [_plain(result) for result in results], "warnings": list(warnings)}
    output.show(document, lambda _: [*_lines(results), *(f"warning: {line}" for line in warnings)])
    return exits.OK if all(result.error is None for result in results) else exits.FAILED


@click.command(short_help="Print the JSON Schema of service specs or platform files, for editors.")
@click.argument("kind", type=click.Choice(["service", "platform"]), default="service")
def schema(kind: str) -> int:
    """Print the JSON Schema (2020-12) of service specs or platform files."""
    click.echo(data(service_schema() if kind == "service" else platform_schema(), "json"), nl=False)
    return exits.OK


def _default_file() -> Path:
    if not DEFAULT.is_file():
        raise click.UsageError("there is no outrider.yaml here; name the FILES to check")
    return DEFAULT


def _checked(file: Path) -> Checked:
    """The file by itself; reading a spec checks each environment that it names."""
    try:
        text = text_of(file)
        if IS_PLATFORM.search(text) and not IS_SERVICE.search(text):
            read_platform(text, str(file))
        else:
            read_service(text, str(file))
    except OutriderError as error:
        return Checked(file, error)
    return Checked(file, None)


def _resolved(files: tuple[Path, ...], platform: Platform) -> Iterator[Checked]:
    """Each spec in each environment of the platform, beside the others."""
    known = {name: protocols(files, name) for name in platform.environments}
    for file in files:
        try:
            read_service(text_of(file), str(file), known=tuple(platform.environments))
            for name in platform.environments:
                rendered(Source(text_of(file), str(file)), RenderContext(platform, name, known[name]))
            yield Checked(file, None)
        except OutriderError as error:
            yield Checked(file, error)


def _alike(files: tuple[Path, ...]) -> tuple[str, ...]:
    """Files whose services differ in case only: for Consul they are one, whichever of them is refused here."""
    named = {match[1]: file for file in files if (match := NAMED.search(_text(file)))}
    return tuple(
        f"{' and '.join(str(named[name]) for name in group)} name the services {' and '.join(group)}, which differ in "
        "case only: Consul takes them for one"
        for group in lookalikes(named)
    )


def _text(file: Path) -> str:
    try:
        return text_of(file)
    except OutriderError:
        return ""  # what cannot be read is told where the file itself is validated


def _warnings(files: tuple[Path, ...], platform: Platform) -> tuple[str, ...]:
    """What surprises in each environment; what is the same in several is said once, with their names."""
    found: dict[str, list[str]] = {}
    for name in platform.environments:
        known = protocols(files, name)
        here = [
            rendered(Source(text_of(file), str(file)), RenderContext(platform, name, known)).topology for file in files
        ]
        for line in dict.fromkeys(surprises(here)):
            found.setdefault(line, []).append(name)
    return tuple(f"{', '.join(names)}: {line}" for line, names in found.items())


def _plain(result: Checked) -> dict[str, Any]:
    problems = [asdict(problem) for problem in result.error.problems] if isinstance(result.error, SpecError) else []
    return {"file": str(result.file), "ok": result.error is None, "problems": problems}


def _lines(results: list[Checked]) -> Iterator[str]:
    for result in results:
        yield from error_lines(result.error) if result.error else [f"{result.file}: ok"]
