"""The verb `dev`: two small clusters and the portal on this machine, with the demonstration on request."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import click

from outrider.cli import exits
from outrider.cli.ending import until_told
from outrider.cli.invocation import surroundings
from outrider.cli.one_machine import Machine, one_machine_portal
from outrider.settings import DEFAULT_ADDRESS, DEFAULT_PORT, Settings


@click.command(short_help="Run two small clusters and the portal on this machine, until Ctrl-C.")
@click.option(
    "--port",
    type=click.IntRange(0, 65531),
    default=DEFAULT_PORT,
    show_default=True,
    help="The portal's port; the clusters take the four after it. 0: any free ones.",
)
@click.option(
    "--directory",
    type=click.Path(file_okay=False, path_type=Path),
    help="Where everything is kept. [default: the user's data directory]",
)
def dev(port: int, directory: Path | None) -> int:
    """Run stage and production, each with a Consul and a Nomad of its own, and the portal, in one process.

    Their APIs are those of the real ones, their tasks are real processes. Ctrl-C or SIGTERM ends all of it (exit 0).
    """
    settings = surroundings().settings
    return asyncio.run(_run(settings, (directory or settings.data_directory / "dev").resolve(), port))


async def _run(settings: Settings, directory: Path, port: int) -> int:
    click.echo(f"Starting two clusters and the portal in {directory} …", err=True)
    async with until_told() as told, one_machine_portal(settings, directory, port) as machine:
        for line in _welcome(machine):
            click.echo(line)
        await told.wait()
        click.echo("\nEnding all of it …", err=True)
    click.echo("Nothing is left running.", err=True)
    return exits.OK


def _welcome(machine: Machine) -> Iterator[str]:
    yield f"\n{'portal':<12}{machine.address}"
    for name, one in machine.clusters.items():
        yield f"{name:<12}Nomad {one.nomad_address}   Consul {one.consul_address}"
    yield f"{'files':<12}{machine.directory}"
    yield "\nTry, in another terminal:"
    if machine.address != DEFAULT_ADDRESS:
        yield f"  export OUTRIDER_ADDR={machine.address}"
    yield "  outrider run examples/hello/outrider.yaml -e stage"
    yield "  outrider status"
    yield "\nCtrl-C ends all of it."
