"""Releases between environments and approvals, on the command line."""

from __future__ import annotations

import json
from collections.abc import Generator
from pathlib import Path

import pytest
from anyio.from_thread import start_blocking_portal
from fakes.command_line import CommandLine, served_world
from fakes.nomad import NomadSimulator
from fakes.world import PLATFORM, World

from outrider.settings import Settings, Sourced
from outrider.spec.reading.files import read_platform

WAY = ("--from", "stage", "--to", "production")
MORE = "environments: {production: {count: 2}}\n"


@pytest.fixture
def command(tmp_path: Path) -> Generator[CommandLine]:
    """A portal with two clusters, of which one asks for another person's approval."""

    def two_clusters(world: World) -> None:
        world.nomads["production"] = NomadSimulator()
        asks = "    release: {after: stage, approval: true}\n"
        world.platform = read_platform(PLATFORM.replace("portal:", f"{asks}portal:"), "platform.yaml")

    made = served_world(tmp_path, two_clusters)
    with start_blocking_portal() as loop, loop.wrap_async_context_manager(made) as (world, address):
        yield CommandLine(Settings(address=Sourced(address, "a test"), user="kim"), tmp_path, world)


@pytest.fixture
def staged(command: CommandLine) -> CommandLine:
    assert command("run", command.spec(MORE), "-e", "stage").exit_code == 0
    return command


def test_a_release_is_shown_before_and_stopped_until_somebody_else_approves(staged: CommandLine) -> None:
    planned = staged("release", "checkout", *WAY, "--plan")
    assert planned.exit_code == 1
    lines = planned.stdout.splitlines()
    assert lines[0] == "checkout: version 1 of stage to production"
    assert "deployed by kim; healthy" in lines[1]
    assert "~   count: 1 → 2" in lines
    assert "approval" in planned.stdout
    stopped = staged("release", "checkout", *WAY)
    assert stopped.exit_code == 1
    assert "outrider approve checkout 1 --from stage --to production" in stopped.stderr
    own = staged("approve", "checkout", *WAY, "--reason", "mine")
    assert own.exit_code == 0
    assert staged("release", "checkout", *WAY).exit_code == 1
    approved = staged("approve", "checkout", "1", *WAY, "--reason", "load test ok", user="ada")
    assert approved.stdout == "ada approves of version 1 of checkout in stage for production: load test ok\n"
    done = staged("release", "checkout", *WAY)
    assert done.exit_code == 0, done.output
    assert staged.world.nomads["production"].count("checkout") == 2
    again = staged("release", "checkout", *WAY, "--plan")
    assert (again.exit_code, "approved by ada" in again.stdout) == (0, True)


def test_a_release_past_a_missing_approval_needs_a_reason_and_is_in_the_history(staged: CommandLine) -> None:
    assert staged("release", "checkout", *WAY, "--override", "approval").exit_code == 64
    past = ("--override", "approval", "--reason", "hotfix for the outage")
    assert staged("release", "checkout", "--to", "production", *past).exit_code == 0
    document = json.loads(staged("history", "checkout", "-e", "production", "-o", "json").stdout)
    (release,) = document["releases"]
    assert (release["kind"], release["from_environment"], release["from_version"]) == ("release", "stage", 1)
    assert release["cause"] == "hotfix for the outage"
    (line,) = staged("history", "checkout", "-e", "production").stdout.splitlines()[1:2]
    assert "  release (stage 1)  " in line, "where it came from, beside what was done"


def test_a_release_from_an_environment_that_the_platform_does_not_allow_is_refused(staged: CommandLine) -> None:
    result = staged("release", "checkout", "--from", "production", "--to", "production")
    assert result.exit_code == 1
    assert "takes what has run in stage only" in result.stderr


def test_the_plan_of_a_release_is_a_document(staged: CommandLine) -> None:
    document = json.loads(staged("release", "checkout", *WAY, "--plan", "-o", "json").stdout)
    assert document["origin"]["environment"] == "stage"
    assert [one["name"] for one in document["plan"]["blockers"]] == ["approval"]


def test_a_blank_reason_is_none(staged: CommandLine) -> None:
    assert staged("approve", "checkout", *WAY, "--reason", " ").exit_code == 64
    assert staged("approve", "checkout", *WAY).exit_code == 64
