"""D13, D17 and D18 of the catalogue: a Nomad in trouble is told and waits for nobody, what Envoy refuses goes nowhere, and what one side does not know is never dropped in silence."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager, closing
from dataclasses import asdict
from pathlib import Path
from typing import Any

import httpx2
import pytest
from anyio.from_thread import start_blocking_portal
from click.testing import CliRunner, Result
from fakes.command_line import SPEC, CommandLine
from fakes.shown import a_plan, change
from fakes.world import PLATFORM, World
from fakes.world import world as new_world
from outrider_ground.edge.serving import serving
from outrider_ground.errors import RemoteError
from pydantic_core import to_jsonable_python

from outrider.cli import exits
from outrider.cli.main import outrider
from outrider.cli.process_context import ProcessContext
from outrider.clients.envoy import LocalEnvoy
from outrider.clients.nomad import nomad_client
from outrider.portal.app import portal_app
from outrider.server_settings import NomadSettings
from outrider.settings import Settings, Sourced
from outrider.spec.reading.files import read_platform

STAGE = ("-e", "stage")
PATCHES = """
    patches:
      bad-timeout: {merge: {static_resources: {clusters: {local_app: {connect_timeout: "-1s"}}}}}
      duplicate-listener: {merge: {static_resources: {listeners: {metrics: {name: ingress}}}}}
      unknown-field: {merge: {static_resources: {clusters: {local_app: {no_such_field: 1}}}}}
      duplicate-cluster: {merge: {static_resources: {clusters: {envoy_admin: {name: local_app}}}}}
      port-clash: {merge: {static_resources: {listeners: {metrics: {address: {socket_address: {address: 127.0.0.1, port_value: 4711}}}, ingress: {address: {socket_address: {address: 127.0.0.1, port_value: 4711}}}}}}}
      bad-port: {merge: {static_resources: {listeners: {metrics: {address: {socket_address: {port_value: 70000}}}}}}}
  production:
"""


@asynccontextmanager
async def with_real_envoy(directory: Path, envoy: str) -> AsyncGenerator[tuple[World, str]]:
    async with new_world(directory) as world:
        world.platform = read_platform(PLATFORM.replace("\n  production:\n", PATCHES, 1), "platform.yaml")
        world.envoy = LocalEnvoy(Sourced(envoy, "ENVOY_BIN"), None)  # type: ignore[assignment]
        application = world.application()
        world.runner.start()
        async with serving(portal_app(application), "127.0.0.1", 0) as address:
            yield world, address


@pytest.fixture
def validated(tmp_path: Path, envoy_bin: str) -> Generator[CommandLine]:
    """The command line at a portal whose Envoy is a real one."""
    with (
        start_blocking_portal() as loop,
        loop.wrap_async_context_manager(with_real_envoy(tmp_path, envoy_bin)) as (world, address),
    ):
        yield CommandLine(Settings(address=Sourced(address, "a test"), user="kim"), tmp_path, world)


@pytest.mark.needs("envoy")
@pytest.mark.parametrize(
    "patch", ["bad-timeout", "duplicate-listener", "duplicate-cluster", "unknown-field", "port-clash", "bad-port"]
)
def test_d17_what_a_real_envoy_refuses_ends_with_255_and_nothing_is_submitted(
    validated: CommandLine, patch: str
) -> None:
    spec = validated.spec(f"patches: [{patch}]\n")
    planned = validated("plan", spec, *STAGE)
    assert planned.exit_code == exits.PLAN_ERROR, planned.output
    assert "✗ Envoy refuses this: " in planned.stdout
    assert "outrider run" not in planned.stdout
    run = validated("run", spec, *STAGE)
    assert run.exit_code == exits.FAILED
    assert "Envoy refuses the bootstrap of checkout in stage" in run.stderr
    assert f"`{patch}`" in run.stderr
    assert (
        "No versions" in validated("history", "checkout", *STAGE).output
        or validated("history", "checkout", *STAGE).exit_code
    )
    assert jobs(validated.world) == []


def jobs(world: World) -> list[dict[str, Any]]:
    with start_blocking_portal() as loop:
        return loop.call(world.nomad.jobs)


@pytest.mark.needs("envoy")
def test_d17_the_same_spec_without_the_patch_goes(validated: CommandLine) -> None:
    assert validated("plan", validated.spec(), *STAGE).exit_code == exits.CHANGES


def nothing_there(request: httpx2.Request) -> httpx2.Response:
    raise httpx2.ConnectError("Connection refused", request=request)


OF_NOMAD: dict[str, tuple[httpx2.Response | None, str]] = {
    "down": (None, "Check the address"),
    "429": (httpx2.Response(429, text="too many"), "try again, or raise its limit"),
    "500": (httpx2.Response(500, text="rpc error: boom"), "Nomad's own log says more"),
    "leaderless": (httpx2.Response(500, text="No cluster leader"), "try again when they have one"),
}
"""What it answers to everything, and a part of what is to be done then."""


async def in_trouble(answer: httpx2.Response | None) -> RemoteError:
    """What the portal's own client makes of such an answer."""
    transport = httpx2.MockTransport(nothing_there if answer is None else lambda _: answer)
    nomad = nomad_client("http://nomad", NomadSettings(), transport=transport)
    try:
        await nomad.jobs()
    except RemoteError as error:
        return error
    finally:
        await nomad.close()
    raise AssertionError


@pytest.mark.parametrize("trouble", OF_NOMAD)
@pytest.mark.parametrize(
    "verb",
    [
        ("run", "SPEC"),
        ("scale", "checkout", "3"),
        ("restart", "checkout"),
        ("rollback", "checkout", "1", "--reason", "x"),
        ("redeploy", "checkout"),
        ("stop", "checkout"),
        ("plan", "SPEC"),
    ],
    ids=lambda verb: verb[0],
)
def test_d13_a_nomad_in_trouble_ends_each_verb_with_its_words_and_what_to_do_and_nothing_is_queued(
    command: CommandLine, trouble: str, verb: tuple[str, ...]
) -> None:
    assert command("run", command.spec(), *STAGE).exit_code == 0
    assert command("run", command.spec("env: {A: a}\n"), *STAGE).exit_code == 0
    answer, hint = OF_NOMAD[trouble]
    with start_blocking_portal() as loop:
        command.world.nomad.away = loop.call(in_trouble, answer)
    before = command.world.nomad.registrations
    words = [command.spec("env: {A: b}\n") if word == "SPEC" else word for word in verb]
    result = command(*words, *STAGE)
    assert result.exit_code == (exits.PLAN_ERROR if verb[0] == "plan" else exits.FAILED), result.output
    assert str(command.world.nomad.away) in result.stderr
    assert hint in result.stderr
    command.world.nomad.away = None
    history = command("history", "checkout", *STAGE).stdout
    assert "running" not in history
    assert command.world.nomad.registrations == before
    assert command("run", command.spec("env: {A: b}\n"), *STAGE).exit_code == 0


@pytest.mark.parametrize("trouble", OF_NOMAD)
def test_d13_what_runs_is_still_shown_and_the_trouble_beside_it(command: CommandLine, trouble: str) -> None:
    assert command("run", command.spec(), *STAGE).exit_code == 0
    with start_blocking_portal() as loop:
        command.world.nomad.away = loop.call(in_trouble, OF_NOMAD[trouble][0])
    result = command("status", *STAGE)
    assert "checkout" in result.output
    assert "Nomad" in result.output


def asked(command: CommandLine, path: str, body: dict[str, Any]) -> httpx2.Response:
    return httpx2.post(f"{command.settings.address.value}/api/v1/{path}", json=body, timeout=30)


@pytest.mark.parametrize(
    ("path", "body", "place"),
    [
        ("environments/stage/plan", {"spec": SPEC, "priority": 1}, "priority"),
        ("environments/stage/deployments", {"spec": SPEC, "priority": 1}, "priority"),
        (
            "environments/stage/deployments",
            {"spec": SPEC, "basis": {"documents": "a", "cluster": "b", "platform": "c", "outrider": "d", "novel": "e"}},
            "basis.novel",
        ),
        ("diff", {"before": {"environment": "stage", "novel": 1}, "after": {"environment": "stage"}}, "before.novel"),
        ("environments/stage/services/checkout/scale", {"count": 1, "novel": 1}, "novel"),
        ("environments/stage/services/checkout/redeploy", {"novel": 1}, "novel"),
    ],
)
def test_d18_a_field_that_the_portal_does_not_know_is_refused_with_its_place(
    command: CommandLine, path: str, body: dict[str, Any], place: str
) -> None:
    answer = asked(command, path, body)
    assert answer.status_code == 400
    assert place in [field["path"] for field in answer.json()["fields"]]
    assert jobs(command.world) == []


def test_d18_a_key_of_a_newer_spec_is_refused_by_both_sides_with_file_and_line(command: CommandLine) -> None:
    answer = asked(command, "environments/stage/plan", {"spec": SPEC + "novelty: 1\n", "file": "checkout.yaml"})
    assert answer.status_code == 422
    (problem,) = answer.json()["problems"]
    assert (problem["path"], problem["file"], problem["line"]) == ("novelty", "checkout.yaml", 4)
    result = command("plan", command.spec("novelty: 1\n"), *STAGE)
    assert result.exit_code == exits.PLAN_ERROR
    assert ":4:1: novelty" in result.stderr


def told(settings: Settings, spec: str, document: Any, *more: str) -> Result:
    """What `plan` makes of that answer of a portal."""
    transport = httpx2.MockTransport(lambda _: httpx2.Response(200, json=document))
    arguments = ["plan", spec, *STAGE, *more]
    return CliRunner().invoke(outrider, arguments, obj=ProcessContext(settings, transport), catch_exceptions=False)


def test_d18_an_older_command_line_reads_what_it_knows_of_a_newer_portals_plan(command: CommandLine) -> None:
    plan = to_jsonable_python(asdict(a_plan(change("~", "env.A", "a", "b"))))
    newer = plan | {"novelty": {"a": 1}, "rollout": plan["rollout"] | {"novelty": 2}}
    result = told(command.settings, command.spec(), newer)
    assert result.exit_code == exits.CHANGES
    assert "env.A: a → b" in result.stdout


def test_d18_a_plan_of_an_older_portal_is_read_and_one_that_is_none_says_so(command: CommandLine) -> None:
    plan = to_jsonable_python(asdict(a_plan(change("~", "env.A", "a", "b"))))
    added = ("schema", "rollout", "sidecar", "places", "around", "basis", "raw")
    older = {key: value for key, value in plan.items() if key not in added}
    assert told(command.settings, command.spec(), older).exit_code == exits.CHANGES
    result = told(command.settings, command.spec(), {key: older[key] for key in older if key != "check_index"})
    assert result.exit_code == exits.PLAN_ERROR
    assert "check_index" in result.stderr


def test_d18_a_version_in_another_format_is_said_and_never_read_as_something_else(command: CommandLine) -> None:
    assert command("run", command.spec(), *STAGE).exit_code == 0
    with closing(sqlite3.connect(command.directory / "portal.db")) as database:
        database.execute("UPDATE versions SET format = 99")
        database.commit()
    result = command("plan", command.spec("env: {A: b}\n"), *STAGE)
    assert "is stored in format 99, and this Outrider reads format" in result.stdout
    compared = command("diff", "checkout@stage", command.spec("env: {A: b}\n"), *STAGE)
    assert compared.exit_code == exits.PLAN_ERROR
    assert "is stored in format 99" in compared.stderr


def test_d18_a_saved_plan_of_another_time_is_refused(command: CommandLine) -> None:
    file = command.directory / "x.plan"
    file.write_text(json.dumps({"schema": "outrider.saved-plan/7", "novelty": 1}))
    result = command("run", str(file))
    assert result.exit_code == exits.FAILED
    assert "outrider.saved-plan/7" in result.stderr
