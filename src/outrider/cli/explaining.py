"""The verb `explain`: what the settings of a spec mean, in words, without asking any server."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click
from outrider_ground.errors import SpecError

from outrider.cli import exits
from outrider.cli.output import Output
from outrider.cli.process_context import output_options, process_context
from outrider.cli.source_files import (
    FILE,
    FILE_OR_FOLDER,
    chosen_environment,
    chosen_platform,
    protocols,
    service_of,
    specs,
)
from outrider.operations.explain.sentences import Saying
from outrider.operations.explain.service import Explanation, UpstreamInWords, explanation
from outrider.spec.platform import Platform
from outrider.spec.service import Service
from outrider.spec.values import duration
from outrider.topology.graph import graph
from outrider.topology.resolve import topology
from outrider.topology.topology import Topology

WIDTH = 110
INDENT = 12


@click.command(short_help="Say in words what a spec's settings mean, and where deadlines contradict.")
@click.argument("file", type=FILE, default="outrider.yaml")
@click.option("-e", "--environment", metavar="NAME", help="The environment (OUTRIDER_ENVIRONMENT).")
@click.option("--platform", "platform_file", type=FILE, help="The platform file (OUTRIDER_PLATFORM); built-in without.")
@click.option(
    "--with",
    "neighbours",
    type=FILE_OR_FOLDER,
    multiple=True,
    help="The spec of a service that it calls or that calls it, or a folder of specs.",
)
@output_options
def explain(output: Output, file: Path, neighbours: tuple[Path, ...], **chosen: Any) -> int:
    """Say what the settings in FILE mean in an environment; asks no server.

    For each upstream: the longest wait, what is tried again and what never, how many requests one may become, what
    happens above the limit, and whom a failure reaches. With its neighbours (--with .) also where a caller gives up
    before the service that it calls does, and where retries multiply.
    """
    others = tuple(other for other in specs(neighbours) if other.resolve() != file.resolve())
    found = _explained(file, others, **chosen)
    output.show(asdict(found), lambda _: _lines(found, has_neighbours=bool(others)))
    return exits.OK


def _explained(
    file: Path, others: tuple[Path, ...], environment: str | None, platform_file: Path | None
) -> Explanation:
    settings = process_context().settings
    platform = chosen_platform(platform_file, settings)
    name = chosen_environment(environment, settings, platform)
    known = protocols(others, name)
    service = service_of(file, name).service
    here = _resolved(file, platform, name, known)
    neighbours = [_resolved(other, platform, name, known | protocols((file,), name)) for other in others]
    return explanation(here, graph([here, *neighbours]), _assumed(service, known))


def _resolved(file: Path, platform: Platform, environment: str, known: Mapping[str, str]) -> Topology:
    """The spec in the environment; what nobody tells of a callee is assumed, since words need no exact listener."""
    written = service_of(file, environment)
    try:
        return topology(written.service, platform, environment, protocols={**_assumed(written.service, known), **known})
    except SpecError as error:
        raise SpecError(written.located(error.problems)) from error


def _assumed(service: Service, known: Mapping[str, str]) -> dict[str, str]:
    """What the upstreams of which nobody knows it probably speak."""
    return {
        name: "redis" if upstream.password else "http"
        for name, upstream in service.upstreams.items()
        if not (name in known or upstream.protocol or upstream.address)
    }


def _lines(found: Explanation, *, has_neighbours: bool) -> Iterator[str]:
    placed = "" if found.count is None else f", {found.count} allocation{'' if found.count == 1 else 's'}"
    yield click.style(f"{found.service} in {found.environment}{placed}", bold=True)
    for upstream in found.upstreams:
        yield from ("", click.style(_head(upstream), bold=True))
        yield from _paragraphs(upstream.sayings)
    yield from ("", click.style("requests to it", bold=True))
    yield from _paragraphs(found.ingress)
    if found.warnings:
        yield from ("", click.style("warnings", bold=True))
        yield from (line for warning in found.warnings for line in _wrapped("  ! ", warning, 4))
    if found.upstreams and not has_neighbours:
        yield from (
            "",
            "Deadlines of its neighbours were not looked at: name their specs, or their folder, with --with.",
        )


def _head(upstream: UpstreamInWords) -> str:
    where = f"outside at {upstream.address}" if upstream.address else "in Consul"
    guess = ", assumed: name its spec with --with, or write its protocol" if upstream.is_assumed else ""
    timeout = f"timeout {duration(upstream.timeout_ms)}" if upstream.timeout_ms is not None else "no timeout"
    knobs = [timeout, f"retries {upstream.retries}", *([f"limit {upstream.limit}"] if upstream.limit else [])]
    return f"{upstream.name}  ({upstream.protocol} {where}{guess})  {', '.join(knobs)}"


def _paragraphs(sayings: Iterable[Saying]) -> Iterator[str]:
    for saying in sayings:
        yield from _wrapped(f"  {saying.topic}".ljust(INDENT), saying.text, INDENT)


def _wrapped(head: str, text: str, indent: int) -> list[str]:
    return textwrap.wrap(text, WIDTH, initial_indent=head, subsequent_indent=" " * indent, break_on_hyphens=False)
