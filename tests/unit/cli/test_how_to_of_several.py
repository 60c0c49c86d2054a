"""The commands of the how-to pages on several services and on releases hold literally."""

from __future__ import annotations

import contextlib
import re
import shlex
from collections.abc import Generator
from pathlib import Path

import pytest
import yaml
from anyio.from_thread import start_blocking_portal
from fakes.command_line import CommandLine, served_world
from fakes.nomad import NomadSimulator
from fakes.world import World

from outrider.settings import Settings, Sourced
from outrider.spec.platform import Registries, Release

ROOT = Path(__file__).parents[3]
SEVERAL, RELEASE = (ROOT / "docs/how-to" / name for name in ("deploy-several-services.md", "release-to-production.md"))


def commands(page: Path) -> list[list[str]]:
    """Every command of the page's shell blocks, without `outrider` and without its remark."""
    blocks = re.findall(r"```sh\n(.*?)```", page.read_text(), re.DOTALL)
    lines = [shlex.split(line, comments=True) for block in blocks for line in block.splitlines()]
    return [words[1:] for words in lines if words]


@pytest.fixture
def command(tmp_path: Path) -> Generator[CommandLine]:
    """A portal with two clusters."""

    def two_clusters(world: World) -> None:
        world.nomads["production"] = NomadSimulator()

    made = served_world(tmp_path, two_clusters)
    with start_blocking_portal() as loop, loop.wrap_async_context_manager(made) as (world, address):
        yield CommandLine(Settings(address=Sourced(address, "a test"), user="kim"), tmp_path, world)


def test_the_shop_of_the_examples_is_deployed_by_the_commands_of_the_page(
    command: CommandLine,
) -> None:
    found = commands(SEVERAL)
    assert [words[0] for words in found] == ["plan", "run"]
    with contextlib.chdir(ROOT):
        planned, done, again = (command(*words) for words in (*found, found[0]))
    assert (planned.exit_code, done.exit_code) == (1, 0), done.output
    order = re.findall(r"^ +\d+\. (.*)$", planned.stdout, re.MULTILINE)
    assert order[:5] == ["inventory", "payments", "sessions", "cart, after sessions", "catalog, after inventory"]
    assert "In all: 9 new" in planned.stdout
    assert again.exit_code == 0


def test_a_release_goes_as_the_page_says(command: CommandLine) -> None:
    found = commands(RELEASE)
    assert [words[0] for words in found] == ["release", "release", "approve", "approve", "release"]
    for number in range(1, 8):
        assert command("run", command.spec(f"resources: {{cpu: {number}0}}\n"), "-e", "stage").exit_code == 0
    assert [command(*words).exit_code for words in found] == [1, 0, 0, 0, 0]


def test_what_the_page_writes_into_the_platform_file_can_be_read() -> None:
    asks, registries = (
        yaml.safe_load(piece) for piece in re.findall(r"```yaml\n(.*?)```", RELEASE.read_text(), re.DOTALL)
    )
    found = Release.model_validate(asks["environments"]["production"]["release"])
    assert (found.after, found.soak, found.approval) == ("stage", 3_600_000, True)
    assert Registries.model_validate(registries["registries"]).plain_http == ("registry.internal:5000",)
