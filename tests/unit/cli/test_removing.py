"""remove: what is lost is said before, nobody's add-on goes while they use it, and its name is free afterwards."""

from __future__ import annotations

import json
from collections.abc import Generator
from pathlib import Path
from typing import Any

import httpx2
import pytest
from anyio.from_thread import start_blocking_portal
from fakes.command_line import CommandLine, served_world
from fakes.world import PLATFORM, World

from outrider.settings import Settings, Sourced
from outrider.spec.reading.files import read_platform

STAGE = ("-e", "stage")
CHECKOUT = "service: checkout\nrun: {command: [/usr/bin/checkout]}\n"
PAYMENTS = "service: payments\nrun: {command: [/usr/bin/payments]}\n"


HERE = "network: {mode: host}"
VOLUMES = PLATFORM.replace(HERE, f"{HERE}\n    volumes: {{directory: /srv/volumes}}", 1)


def furnished(world: World) -> None:
    world.platform = read_platform(VOLUMES, "platform.yaml")


@pytest.fixture
def shop(tmp_path: Path) -> Generator[CommandLine]:
    """A Redis that checkout uses."""
    with (
        start_blocking_portal() as loop,
        loop.wrap_async_context_manager(served_world(tmp_path, furnished)) as (world, address),
    ):
        yield with_redis(CommandLine(Settings(address=Sourced(address, "a test"), user="kim"), tmp_path, world))


def with_redis(command: CommandLine) -> CommandLine:
    for name, text in (("checkout", CHECKOUT), ("payments", PAYMENTS)):
        file = command.directory / f"{name}.yaml"
        file.write_text(text)
        assert command("run", str(file), *STAGE).exit_code == 0
    assert command("add", "redis", "sessions", "--to", "checkout", "--yes", *STAGE).exit_code == 0
    return command


def unused(shop: CommandLine) -> CommandLine:
    done = shop("disconnect", "checkout", "sessions", "--yes", *STAGE)
    assert done.exit_code == 0, done.stderr
    return shop


def api(shop: CommandLine, service: str, path: str, **body: Any) -> httpx2.Response:
    address = f"{shop.settings.address}/api/v1/environments/stage/services/{service}/{path}"
    return httpx2.post(address, json=body)


def variable(shop: CommandLine, path: str) -> dict[str, str]:
    found = shop.world.nomad.server.scheduler.state.variables.get(path) or {}
    return dict(found.get("Items") or {})


def states(shop: CommandLine) -> dict[str, str]:
    listed = json.loads(shop("status", "--all", *STAGE, "-o", "json").stdout)["services"]
    return {one["service"]: one["state"] for one in listed}


def test_while_a_service_calls_it_nothing_is_removed_and_the_service_is_named(shop: CommandLine) -> None:
    refused = shop("remove", "redis", "sessions", "--yes", *STAGE)
    assert refused.exit_code == 1
    assert "✗ checkout calls it: nothing is removed while it does" in refused.stdout
    assert "→ `outrider disconnect checkout sessions -e stage`" in refused.stdout
    assert states(shop)["sessions"] == "running"
    direct = api(shop, "sessions", "remove", addon="redis")
    assert (direct.status_code, "sessions is in use: checkout calls it" in direct.text) == (409, True)


def test_while_a_service_reads_its_password_nothing_is_removed_either(shop: CommandLine) -> None:
    unused(shop)
    file = shop.directory / "payments.yaml"
    file.write_text(PAYMENTS + 'env: {P: {nomad_variable: "nomad/jobs/payments#sessions_password"}}\n')
    assert shop("run", str(file), *STAGE).exit_code == 0
    refused = shop("remove", "redis", "sessions", "--yes", *STAGE)
    assert (refused.exit_code, "✗ payments reads its password" in refused.stdout) == (1, True)
    file.write_text(PAYMENTS + 'env: {P: {nomad_variable: "nomad/jobs/sessions#password"}}\n')
    assert shop("run", str(file), *STAGE).exit_code == 0
    assert "✗ payments reads its password" in shop("remove", "redis", "sessions", "--yes", *STAGE).stdout


def test_what_is_lost_is_said_and_nothing_is_done_without_a_yes(shop: CommandLine) -> None:
    shown = unused(shop)("remove", "redis", "sessions", *STAGE)
    assert shown.exit_code == 3
    assert "sessions in stage is the add-on redis, with 1 allocation." in shown.stdout
    assert "! What is lost: everything that it holds." in shown.stdout
    assert "· its password stays, for when it is added again (--with-passwords forgets it)" in shown.stdout
    assert "There is no terminal to ask on" in shown.stderr or "Nothing is done yet" in shown.stderr
    assert states(shop)["sessions"] == "running"


def test_on_a_yes_its_job_is_forgotten_its_password_stays_and_the_history_says_so(shop: CommandLine) -> None:
    before = variable(unused(shop), "nomad/jobs/sessions")
    done = shop("remove", "redis", "sessions", "--yes", "--reason", "moved to the cloud", *STAGE)
    assert done.exit_code == 0, done.stderr
    assert shop.world.nomad.server.scheduler.state.jobs.get("sessions") is None
    assert variable(shop, "nomad/jobs/sessions") == before != {}
    (release, *_) = json.loads(shop("history", "sessions", *STAGE, "-o", "json").stdout)["releases"]
    assert (release["kind"], release["state"], release["cause"]) == ("remove", "successful", "moved to the cloud")
    assert states(shop)["sessions"] == "stopped"
    assert "changed outside" not in shop("status", *STAGE).stdout
    gone = shop("remove", "redis", "sessions", "--yes", *STAGE)
    assert (gone.exit_code, "there is no redis called sessions in stage" in gone.stderr) == (1, True)


def test_with_passwords_those_of_its_former_users_go_too_and_nothing_else_of_theirs(shop: CommandLine) -> None:
    state = unused(shop).world.nomad.server.scheduler.state
    kept = variable(shop, "nomad/jobs/checkout")
    more = {"Path": "nomad/jobs/checkout", "Items": {**kept, "own": "mine"}, "Namespace": "default", "ModifyTime": 1}
    state.keep_variable(more)
    shown = shop("remove", "redis", "sessions", "--with-passwords", *STAGE)
    assert (
        "its password is forgotten: the Nomad variable nomad/jobs/sessions, the Nomad variable nomad/jobs/checkout"
        in shown.stdout
    )
    done = shop("remove", "redis", "sessions", "--with-passwords", "--yes", *STAGE)
    assert done.exit_code == 0, done.stderr
    assert variable(shop, "nomad/jobs/checkout") == {"own": "mine"}
    assert "nomad/jobs/sessions" not in state.variables
    (release, *_) = json.loads(shop("history", "sessions", *STAGE, "-o", "json").stdout)["releases"]
    told = shop("history", "sessions", *STAGE, "--deployment", release["deployment"][:8]).stdout
    assert "its password is forgotten, in the Nomad variable nomad/jobs/sessions" in told


def test_a_password_that_was_left_is_forgotten_later(shop: CommandLine) -> None:
    assert unused(shop)("remove", "redis", "sessions", "--yes", *STAGE).exit_code == 0
    later = shop("remove", "redis", "sessions", "--with-passwords", "--yes", *STAGE)
    assert later.exit_code == 0, later.stderr
    assert "with no allocation: it does not run" in later.stdout
    assert variable(shop, "nomad/jobs/sessions") == {}


def test_its_name_is_free_afterwards_and_its_password_is_found_again(shop: CommandLine) -> None:
    before = variable(unused(shop), "nomad/jobs/sessions")
    assert shop("remove", "redis", "sessions", "--yes", *STAGE).exit_code == 0
    again = shop("add", "redis", "sessions", "--to", "payments", "--yes", *STAGE)
    assert again.exit_code == 0, again.stderr
    assert (states(shop)["sessions"], variable(shop, "nomad/jobs/sessions")) == ("running", before)
    assert variable(shop, "nomad/jobs/payments") == {"sessions_password": before["password"]}
    assert shop("remove", "redis", "sessions", "--yes", *STAGE).exit_code == 1, "payments uses it"


def test_its_name_is_free_afterwards_for_another_add_on(shop: CommandLine) -> None:
    assert unused(shop)("remove", "redis", "sessions", "--yes", *STAGE).exit_code == 0
    again = shop("add", "postgresql", "sessions", "--yes", *STAGE)
    assert again.exit_code == 2, "no node has the volume, and it is there all the same"
    wrong = shop("remove", "redis", "sessions", "--yes", *STAGE)
    assert (wrong.exit_code, "sessions in stage is the add-on postgresql" in wrong.stderr) == (1, True)
    shown = shop("remove", "postgresql", "sessions", *STAGE).stdout
    assert "nothing of the host volume sessions-data, which stays on its nodes" in shown


def test_what_is_no_add_on_is_not_removed(shop: CommandLine) -> None:
    for arguments, said in (
        (("redis", "checkout"), "checkout in stage is no add-on"),
        (("redis", "nobody"), "there is no redis called nobody in stage"),
        (("rediss", "sessions"), "Did you mean redis?"),
    ):
        refused = shop("remove", *arguments, "--yes", *STAGE)
        assert (refused.exit_code, said in refused.stderr) == (1, True), arguments
    assert api(shop, "checkout", "remove/plan", addon="redis").status_code == 409


def test_a_stopped_user_is_named_and_stops_nothing(shop: CommandLine) -> None:
    assert shop("stop", "checkout", *STAGE).exit_code == 0
    shown = shop("remove", "redis", "sessions", "--yes", *STAGE)
    assert shown.exit_code == 0
    assert "! checkout is stopped, and would call it once it is started" in shown.stdout
