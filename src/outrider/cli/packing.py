"""The verb `pack`: what jobs would fetch from the portal, or carry, as files for a store or a node of the operators' own."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import click
from outrider_ground.private import nobody_else_writes

from outrider.cli import exits
from outrider.cli.output import Output, table
from outrider.cli.printable import printable
from outrider.cli.process_context import output_options
from outrider.cli.source_files import FILE_OR_FOLDER, service_of, specs
from outrider.clients.agent_archive import FILENAME, agent_archive
from outrider.clients.directory import directory_warnings, packed_directory_of
from outrider.clients.uploads import Upload, upload_of
from outrider.operations.change.packed_directory import DIRECTORY_FILE
from outrider.spec.run import CommandRun


@dataclass(frozen=True, slots=True)
class Packed:
    """A file that was written, and the SHA-256 of its bytes in hex."""

    of: str
    sha256: str
    file: str


@click.command(short_help="Write the agent, and directories that specs run, as files for a store of your own.")
@click.argument("files", type=FILE_OR_FOLDER, nargs=-1)
@click.option("--agent", "has_agent", is_flag=True, help="Write the agent's archive, for sidecar.agent.archive.")
@click.option("-e", "--environment", metavar="NAME", help="Read the specs as this environment has them.")
@click.option(
    "--to",
    "folder",
    type=click.Path(file_okay=False, path_type=Path),
    default=".",
    show_default=True,
    help="The folder that holds SHA256/NAME afterwards, as artifacts.url of the platform is laid out.",
)
@output_options
def pack(output: Output, files: tuple[Path, ...], folder: Path, environment: str | None, *, has_agent: bool) -> int:
    """Write run.directory of each of FILES (specs, or folders of them), and with --agent the agent, below a folder.

    Each file lies under the SHA-256 of its bytes, which is printed: copy the folder to the store that `artifacts.url` of
    the platform names. The same content makes the same name again; nothing is uploaded.
    """
    if not files and not has_agent:
        raise click.UsageError("nothing to pack: name the FILES of services that run a directory, or say --agent")
    contents = _contents(files, environment, has_agent=has_agent)
    with nobody_else_writes():
        packed = [_written(folder, of, name, content) for of, name, content in contents]
    if not packed:
        raise click.UsageError("nothing to pack: none of these specs has run.directory")
    heads = ("OF", "SHA256", "FILE")
    document = {"packed": [asdict(one) for one in packed]}
    output.show(document, lambda _: table(heads, [(one.of, one.sha256, one.file) for one in packed]))
    return exits.OK


def _contents(
    files: tuple[Path, ...], environment: str | None, *, has_agent: bool
) -> Iterator[tuple[str, str, Upload]]:
    """Of what, under which name, which bytes."""
    if has_agent:
        yield "the agent", FILENAME, upload_of(agent_archive())
    for file in specs(files):
        service = service_of(file, environment).service
        if isinstance(service.run, CommandRun) and service.run.directory:
            packed = packed_directory_of(file, service.run.directory)
            for warning in directory_warnings(packed):
                click.echo(f"warning: {printable(warning)}", err=True)
            yield service.service, DIRECTORY_FILE, upload_of(packed)


def _written(folder: Path, of: str, name: str, content: Upload) -> Packed:
    file = folder / content.sha256 / name
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.open("wb") as written:
        written.writelines(content.pieces())
    return Packed(of, content.sha256, str(file))
