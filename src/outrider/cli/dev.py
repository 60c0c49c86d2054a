"""The verb `dev`: two small clusters and the portal on this machine, with the demonstration on request."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import click
from outrider_ground.private import nothing_for_others

from outrider.cli import exits
from outrider.cli.arguments import Number
from outrider.cli.demo import is_proven, open_shop, shop_of_this_machine, shown, what_to_try
from outrider.cli.process_context import process_context
from outrider.programs.demonstration.check import everything_ended
from outrider.programs.demonstration.processes import Process, processes_below
from outrider.programs.machine import Machine
from outrider.programs.one_machine import one_machine_portal
from outrider.programs.signals import until_told
from outrider.settings import DEFAULT_ADDRESS, DEFAULT_PORT, Settings


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the person has asked for."""

    directory: Path
    port: int
    has_shop: bool
    is_check: bool


@dataclass(slots=True)
class Course:
    """How the run went, as far as it has come: what was proven, and which processes ran at its end."""

    is_proven: bool = True
    processes: tuple[Process, ...] = ()


@click.command(short_help="Run two small clusters and the portal on this machine, until Ctrl-C.")
@click.option(
    "--port",
    type=Number(0, 65531),
    help=f"The portal's port; the clusters take the four after it. 0: any free ones. [default: {DEFAULT_PORT}]",
)
@click.option(
    "--directory",
    type=click.Path(file_okay=False, path_type=Path),
    help="Where everything is kept. [default: the user's data directory]",
)
@click.option("--demo", is_flag=True, help="Deploy the shop: nine services with real traffic.")
@click.option("--check", is_flag=True, help="Prove that the shop works, then end: exit 0 if all of it holds, else 1.")
def dev(port: int | None, directory: Path | None, demo: bool, check: bool) -> int:  # noqa: FBT001 (click's flags)
    """Run stage and production, each with a Consul and a Nomad of its own, and the portal, in one process.

    Their APIs are those of the real ones, their tasks are real processes. Other users of the machine can read none of
    their files. Ctrl-C or SIGTERM ends all of it (exit 0).
    With --check everything happens in a directory and on ports of its own, unless others are named.
    """
    settings = process_context().settings
    port = (0 if check else DEFAULT_PORT) if port is None else port
    with nothing_for_others(), _kept_in(directory, settings, is_check=check) as place:
        return asyncio.run(_run(settings, Wanted(place, port, demo or check, check)))


@contextmanager
def _kept_in(directory: Path | None, settings: Settings, *, is_check: bool) -> Generator[Path]:
    if directory is None and is_check:
        with tempfile.TemporaryDirectory(prefix="outrider-check-") as own:
            yield Path(own).resolve()
    else:
        yield (directory or settings.data_directory / "dev").resolve()


async def _run(settings: Settings, wanted: Wanted) -> int:
    click.echo(f"Starting two clusters and the portal in {wanted.directory} …", err=True)
    course = Course(is_proven=not wanted.is_check)
    async with until_told() as told, one_machine_portal(settings, wanted.directory, wanted.port) as machine:
        for line in _welcome(machine):
            click.echo(line)
        await _unless_told(told, asyncio.create_task(_shop(settings, wanted, machine, course)))
        if not wanted.is_check:
            await told.wait()
        click.echo("\nEnding all of it …", err=True)
        course.processes = processes_below(wanted.directory)
    return await _ended(wanted, course)


async def _shop(settings: Settings, wanted: Wanted, machine: Machine, course: Course) -> None:
    """Everything that may take a while, and that Ctrl-C breaks off."""
    if wanted.has_shop:
        specs = shop_of_this_machine()
        await open_shop(machine, specs)
        course.is_proven = not wanted.is_check or await is_proven(machine, specs, settings)
    if not wanted.is_check:
        what_to_try(machine, with_shop=wanted.has_shop)


async def _unless_told(told: asyncio.Event, work: asyncio.Task[None]) -> None:
    """Wait for the work, or break it off when the person has had enough; an error of the work is raised."""
    waiting = asyncio.create_task(told.wait())
    await asyncio.wait({work, waiting}, return_when=asyncio.FIRST_COMPLETED)
    waiting.cancel()
    if work.done():
        await work
    work.cancel()
    await asyncio.wait({work})


async def _ended(wanted: Wanted, course: Course) -> int:
    if not wanted.is_check:
        click.echo("Nothing is left running.", err=True)
        return exits.OK
    is_proven_to_the_end = shown(await everything_ended(course.processes)) and course.is_proven
    click.echo("All of it holds." if is_proven_to_the_end else "Not all of it holds: see above.")
    return exits.OK if is_proven_to_the_end else exits.FAILED


def _welcome(machine: Machine) -> Iterator[str]:
    yield f"\n{'portal':<12}{machine.address}"
    for name, one in machine.clusters.items():
        yield f"{name:<12}Nomad {one.nomad_address}   Consul {one.consul_address}"
    yield f"{'files':<12}{machine.directory}"
    if machine.address != DEFAULT_ADDRESS:
        yield f"\nIn other terminals: export OUTRIDER_ADDR={machine.address}"
