"""The verb `portal`: the portal of a platform file, until it is told to end."""

from __future__ import annotations

import asyncio
import gc
from dataclasses import replace
from pathlib import Path

import click
from outrider_ground.edge.listening import is_beyond_loopback, listening_address
from outrider_ground.errors import UsageError

from outrider.cli import exits
from outrider.cli.arguments import Number
from outrider.cli.process_context import process_context
from outrider.cli.source_files import FILE, platform_of
from outrider.programs.portal import ListenAddress, served_portal
from outrider.programs.signals import until_told
from outrider.settings import DEFAULT_PORT, Settings

NO_ADDRESS = (
    "portal.url is not set, and {} is no address that nodes could fetch from: services with run.directory are refused "
    "until the platform file has portal.url or artifacts.url."
)


@click.command(short_help="Run the portal of a platform.")
@click.option(
    "--platform",
    "file",
    type=FILE,
    help="The platform file (OUTRIDER_PLATFORM).",
)
@click.option(
    "--host", default="127.0.0.1", show_default=True, help="The address to listen on; beyond loopback needs a token."
)
@click.option("--port", type=Number(0, 65535), default=DEFAULT_PORT, show_default=True, help="0: any free one.")
@click.option("--database", metavar="URL", help="Where versions are kept (OUTRIDER_DATABASE); a SQLite file without.")
@click.option(
    "--artifacts",
    metavar="PLACE",
    help="Where uploads are kept (OUTRIDER_ARTIFACTS): a folder, or s3://BUCKET/PREFIX; a folder beside the SQLite file without.",
)
@click.option("--anonymous", is_flag=True, help="Let everybody who reaches it deploy: beyond loopback without a token.")
def portal(
    file: Path | None, host: str, port: int, database: str | None, artifacts: str | None, *, anonymous: bool
) -> int:
    """Run the portal of the platform file until Ctrl-C or SIGTERM, which end it well (exit 0).

    Nodes fetch packed directories from it, at `portal.url` of the platform file, unless `artifacts.url` names a store.
    Without `portal.url` that is the address that it listens on; on 0.0.0.0 or :: no node could be told one, and services
    with run.directory are refused.

    It answers under the name in `portal.url`, under those of loopback, at the address it listens on, and under the names
    in OUTRIDER_HOSTS.
    """
    settings = process_context().settings
    if file is None and settings.platform is None:
        raise UsageError(
            "no platform file",
            next_step="Name it: --platform FILE, or OUTRIDER_PLATFORM. See docs/how-to/real-cluster.md.",
        )
    path = file or Path(str(settings.platform))
    settings = replace(settings, database=database or settings.database, artifacts=artifacts or settings.artifacts)
    place = ListenAddress(host, listening_address(host), port)
    if not anonymous:
        _check_token(settings, place)
    asyncio.run(_served(settings, path, place))
    return exits.OK


def _check_token(settings: Settings, place: ListenAddress) -> None:
    """UsageError where other machines could deploy without a token. A blank one is an error wherever it listens."""
    if settings.token is None and is_beyond_loopback(place.address):
        raise UsageError(
            f"--host {place.host or repr(place.host)} lets other machines reach this portal, and it has no token: "
            "whoever reaches it could run programs on your nodes",
            next_step="Set OUTRIDER_TOKEN to a secret that its users get (`openssl rand -hex 32`); or say --anonymous, "
            "to let everybody in.",
        )


async def _served(settings: Settings, file: Path, place: ListenAddress) -> None:
    platform = platform_of(file)
    async with until_told() as told, served_portal(settings, platform, place, file) as served:
        click.echo(f"The portal of {', '.join(platform.environments)} answers at {served.address}", err=True)
        # What is there from the start stays: a collection of garbage, which holds every request, need not look at it again.
        gc.freeze()
        if not served.is_known_to_nodes and platform.artifacts is None:
            click.echo(f"! {NO_ADDRESS.format(place.host or repr(place.host))}", err=True)
        await told.wait()
        click.echo("Ending.", err=True)
