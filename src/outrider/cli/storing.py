"""The verbs `backup` and `restore`: a portal's whole store as one file, and back; they work where the portal's store is."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import click

from outrider.cli import exits
from outrider.cli.output import Output
from outrider.cli.process_context import output_options, process_context
from outrider.settings import Settings
from outrider.store.backup.backup import Copied, backed_up
from outrider.store.backup.restore import Restored, restored
from outrider.store.database import opened
from outrider.wiring.stores import database_url, storage_of, store_of

Wrapped = Callable[..., Any]


def store_options(command: Wrapped) -> Wrapped:
    """Which store is meant, in the words of `outrider portal`."""
    database = click.option("--database", metavar="URL", help="The portal's database (OUTRIDER_DATABASE).")
    artifacts = click.option("--artifacts", metavar="PLACE", help="Where its uploads are kept (OUTRIDER_ARTIFACTS).")
    return database(artifacts(command))


@click.command(short_help="Write a portal's whole store into one file, while it runs.")
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@store_options
@output_options
def backup(output: Output, file: Path, database: str | None, artifacts: str | None) -> int:
    """Write versions, deployments, events and uploads into FILE, which only you can read: it holds the store's secrets.

    It is asked of the database and the storage themselves, with the portal's own variables: portals may run, deploy and be
    away meanwhile. All of the database is of one moment. FILE must not be there yet; half a backup is never left behind.

    For example: `outrider backup --database postgresql://outrider@db/outrider outrider-$(date +%F).backup`.
    """
    copied = asyncio.run(_backed_up(_settings(database, artifacts), file))
    output.show(copied, _copied_line, asdict(copied) | {"file": str(file)})
    for sha256 in copied.lost:
        output.progress(f"warning: the storage has lost the artifact {sha256}: versions that need it cannot be placed")
    return exits.OK


@click.command(short_help="Bring a backup back, into an empty store or in place of one.")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--replace", "replaces", is_flag=True, help="Throw away what the store has now.")
@store_options
@output_options
def restore(output: Output, file: Path, database: str | None, artifacts: str | None, *, replaces: bool) -> int:
    """Check FILE, then fill the store with it: all of it, or nothing where anything fails. End the portals before.

    The database may be of another kind than the one that FILE was written from. What was deployed after the backup goes on
    running; see docs/how-to/back-up-and-restore.md for what to do about it.

    For example: `outrider restore --database sqlite:////var/lib/outrider/portal.db outrider-2026-11-27.backup`.
    """
    found = asyncio.run(_restored(_settings(database, artifacts), file, replaces=replaces))
    output.show(found, _restored_line, asdict(found))
    return exits.OK


def _settings(database: str | None, artifacts: str | None) -> Settings:
    found = process_context().settings
    return replace(found, database=database or found.database, artifacts=artifacts or found.artifacts)


async def _backed_up(settings: Settings, file: Path) -> Copied:
    store = await store_of(settings, migrates=False)
    try:
        return await backed_up(store, file)
    finally:
        await store.close()


async def _restored(settings: Settings, file: Path, *, replaces: bool) -> Restored:
    storage = storage_of(settings)
    database = await opened(database_url(settings))
    try:
        return await restored(database, storage, file, replaces=replaces)
    finally:
        await database.close()


def _copied_line(copied: Copied) -> list[str]:
    return [f"{_held(copied.rows, copied.artifacts)}, {copied.size} bytes"]


def _restored_line(found: Restored) -> list[str]:
    return [f"{_held(found.rows, found.artifacts)} are back, as of step {found.revision}"]


def _held(rows: int, artifacts: int) -> str:
    return f"{rows} rows and {artifacts} artifact{'' if artifacts == 1 else 's'}"
