"""The verbs about the program itself: version, completion."""

from __future__ import annotations

import asyncio
import importlib.metadata
import platform

import click
from click.shell_completion import get_completion_class
from outrider_ground.errors import OutriderError

from outrider.cli import exits
from outrider.cli.output import Output
from outrider.cli.process_context import output_options, process_context
from outrider.clients.envoy import envoy_binary
from outrider.settings import Settings


@click.command(short_help="Print the version of Outrider and of the Envoy it finds.")
@output_options
def version(output: Output) -> int:
    """Print the version of Outrider, of Python, and of the Envoy that would be used here."""
    found = {
        "outrider": importlib.metadata.version("outrider"),
        "python": platform.python_version(),
        "envoy": asyncio.run(_envoy(process_context().settings)),
    }
    output.show(found, lambda shown: [f"{name:<9} {text}" for name, text in shown.items()])
    return exits.OK


async def _envoy(settings: Settings) -> str:
    try:
        binary = envoy_binary(settings.envoy)
        return f"{await binary.version()} at {binary.path} ({binary.source})"
    except OutriderError as error:
        return error.message


@click.command(short_help="Print the completion script for bash, zsh or fish.")
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def completion(shell: str) -> int:
    """Print the script that completes verbs and options; for bash: eval "$(outrider completion bash)"."""
    script = get_completion_class(shell)
    root = click.get_current_context().find_root()
    if script:
        click.echo(script(root.command, {}, "outrider", "_OUTRIDER_COMPLETE").source())
    return exits.OK
