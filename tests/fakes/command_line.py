"""The command line as a person calls it: in a directory with a spec, at a portal over simulators."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from click.testing import CliRunner, Result
from fakes.world import World
from fakes.world import world as new_world
from outrider_ground.edge.serving import serving

from outrider.cli.main import outrider
from outrider.cli.process_context import ProcessContext
from outrider.portal.app import portal_app
from outrider.settings import Settings

SPEC = """service: checkout
team: storefront
run: {command: [/usr/bin/checkout]}
"""


@dataclass
class CommandLine:
    """`outrider` with settings of its own; `world` is what the portal stands on."""

    settings: Settings
    directory: Path
    world: World

    def __call__(self, *arguments: str, **settings: Any) -> Result:
        """Run it; settings may be replaced by their names."""
        chosen = replace(self.settings, **settings)
        return CliRunner().invoke(outrider, list(arguments), obj=ProcessContext(chosen), catch_exceptions=False)

    def spec(self, more: str = "", name: str = "outrider.yaml") -> str:
        """A file with the spec and more lines; its path."""
        file = self.directory / name
        file.write_text(SPEC + more)
        return str(file)


@asynccontextmanager
async def served_world(
    directory: Path, furnished: Callable[[World], object] = lambda _: None
) -> AsyncGenerator[tuple[World, str]]:
    """The portal over simulators, and its address; ``furnished`` changes the world before the portal begins."""
    async with new_world(directory) as world:
        furnished(world)
        application = world.application()
        world.runner.start()
        async with serving(portal_app(application), "127.0.0.1", 0, has_websockets=True) as address:
            yield world, address
