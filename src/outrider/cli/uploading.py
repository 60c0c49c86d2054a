"""The verbs `upload` and `artifacts`: bytes that jobs fetch from the portal, and what is stored of them."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path
from urllib.parse import quote

import click

from outrider.cli import exits
from outrider.cli.invocation import Invocation, portal_verb
from outrider.cli.output import table
from outrider.cli.printable import printable
from outrider.clients.archive import Archive, directory_archive
from outrider.clients.credentials import credentials_warning
from outrider.operations.answers.uploaded import ArtifactList, Kept
from outrider.operations.change.packed_directory import DIRECTORY_FILE

DIGITS = 12


@click.command(short_help="Upload a directory or a file, and print what a spec says to run it.")
@click.argument("path", type=click.Path(exists=True, path_type=Path))
@portal_verb
async def upload(invocation: Invocation, path: Path) -> int:
    """Store PATH in the portal, and print its SHA-256 and the address under which nodes fetch it.

    A directory is packed first, as `run.directory` is: the same tree gives the same bytes. `.outriderignore` and
    `.gitignore` say what stays at home. A file goes as it is; what ends in .tar.gz, .tgz, .zip and so on, Nomad unpacks.

    `outrider run` does this by itself for `run.directory`: upload is for what another step builds, or several specs run.
    What no deployed version names is forgotten after a day.

    For example: `outrider upload build/checkout.tar.gz`.
    """
    name, source = await asyncio.to_thread(_source, path)
    if isinstance(source, Archive) and (warning := await asyncio.to_thread(credentials_warning, source.paths)):
        invocation.output.progress(f"warning: {printable(warning)}")
    found = await invocation.portal.upload(source)
    url = f"{found.url}{quote(name)}" if found.url else None
    document = {"sha256": found.sha256, "size": found.size, "url": url}
    invocation.output.show(document, lambda _: _said(found.sha256, url))
    return exits.OK


def _source(path: Path) -> tuple[str, Archive | Path]:
    """What is sent, and the name at the end of its address."""
    return (DIRECTORY_FILE, directory_archive(path)) if path.is_dir() else (path.name, path)


@click.command(short_help="List uploads: their size, and the versions that need them.")
@portal_verb
async def artifacts(invocation: Invocation) -> int:
    """List what is stored for nodes to fetch, the newest first; what no version needs goes a day after it came.

    For example: `outrider artifacts -o json`.
    """
    found = await invocation.portal.artifacts()
    invocation.output.show(found, _listed, asdict(found))
    return exits.OK


def _said(sha256: str, url: str | None) -> list[str]:
    if url is None:
        return [f"sha256:{sha256}", "The portal knows no address of its own: set portal.url in the platform file."]
    return [f"sha256:{sha256}", url, "", "run:", f'  artifact: "{url}"', f'  checksum: "sha256:{sha256}"']


def _listed(found: ArtifactList) -> Iterable[str]:
    heads = ("SHA256", "BYTES", "SINCE", "NEEDED BY")
    return table(
        heads,
        [(one.sha256[:DIGITS], str(one.size), f"{one.added_at:%F %H:%M}", _users(one)) for one in found.artifacts],
    )


def _users(one: Kept) -> str:
    return ", ".join(f"{each.service} {each.version} in {each.environment}" for each in one.users) or "nobody"
