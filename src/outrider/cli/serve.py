"""The verb `portal`: the portal of a platform file, until it is told to end."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

import click

from outrider.cli import exits
from outrider.cli.arguments import Number
from outrider.cli.ending import until_told
from outrider.cli.invocation import surroundings
from outrider.cli.other_face import web_portal
from outrider.cli.written import FILE, platform_of
from outrider.embedded.serving import serving
from outrider.errors import UsageError
from outrider.settings import DEFAULT_PORT, Settings
from outrider.spec.platform import Platform
from outrider.wiring import application


@click.command(short_help="Run the portal of a platform.")
@click.option(
    "--platform",
    "file",
    type=FILE,
    help="The platform file (OUTRIDER_PLATFORM).",
)
@click.option("--host", default="127.0.0.1", show_default=True, help="The address to listen on.")
@click.option("--port", type=Number(0, 65535), default=DEFAULT_PORT, show_default=True, help="0: any free one.")
@click.option("--database", metavar="URL", help="Where versions are kept (OUTRIDER_DATABASE); a SQLite file without.")
def portal(file: Path | None, host: str, port: int, database: str | None) -> int:
    """Run the portal of the platform file until Ctrl-C or SIGTERM, which end it well (exit 0).

    Nodes fetch packed directories from it, at `portal.url` of the platform file, unless `artifacts.url` names a store.
    """
    settings = surroundings().settings
    if file is None and settings.platform is None:
        raise UsageError(
            "no platform file",
            next_step="Name it: --platform FILE, or OUTRIDER_PLATFORM. See docs/how-to/real-cluster.md.",
        )
    path = file or Path(str(settings.platform))
    settings = replace(settings, database=database or settings.database)
    asyncio.run(_served(settings, platform_of(path), host, port))
    return exits.OK


async def _served(settings: Settings, platform: Platform, host: str, port: int) -> None:
    async with (
        until_told() as told,
        application(settings, platform) as running,
        serving(web_portal(running), host, port) as address,
    ):
        click.echo(f"The portal of {', '.join(platform.environments)} answers at {address}", err=True)
        await told.wait()
        click.echo("Ending.", err=True)
