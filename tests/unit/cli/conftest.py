"""A portal that runs, served on a port of its own, and the command line at it."""

from __future__ import annotations

from collections.abc import Generator
from pathlib import Path

import pytest
from anyio.from_thread import start_blocking_portal
from fakes.command_line import CommandLine, served_world

from outrider.settings import Settings, Sourced


@pytest.fixture
def command(tmp_path: Path) -> Generator[CommandLine]:
    """The command line with a portal that answers."""
    with start_blocking_portal() as loop, loop.wrap_async_context_manager(served_world(tmp_path)) as (world, address):
        yield CommandLine(Settings(address=Sourced(address, "a test"), user="kim"), tmp_path, world)
