from __future__ import annotations

import hashlib
from typing import Any

import pytest
from fakes.world import ADA, World, finished, kept, messages, text
from outrider_ground.errors import UsageError
from sqlalchemy import delete

from outrider.nomad.write.rollback import rolled_back
from outrider.operations.application import Application
from outrider.operations.changes import Text
from outrider.operations.opening import Order
from outrider.store.tables import artifacts

ME = Order(ADA)


async def deployed(application: Application, *texts: str) -> None:
    for more in texts:
        assert (
            await finished(application, await application.changes.deploy("stage", text(more), ME))
        ).state == "successful"


async def test_a_rollback_brings_the_version_before_back(application: Application) -> None:
    await deployed(application, "env: {A: one}\n", "env: {A: two}\n")
    ended = await finished(application, await application.changes.roll_back("stage", "checkout", None, ME))
    assert (ended.state, ended.version, ended.previous) == ("successful", 1, 2)
    status = await application.status(ADA, "stage", "checkout")
    assert (status.version, status.state) == (1, "running")


async def test_a_rollback_reaches_further_than_nomad_remembers(application: Application) -> None:
    await deployed(application, *(f"env: {{A: v{number}}}\n" for number in range(1, 9)))
    ended = await finished(application, await application.changes.roll_back("stage", "checkout", 1, ME))
    assert (ended.state, ended.version) == ("successful", 1)


async def test_a_rollback_never_waits_for_a_promotion(world: World, application: Application) -> None:
    canary = "count: 3\nupdate: {canary: 1}\n"
    await deployed(application, canary, "count: 3\nenv: {A: b}\n")
    deployment = await application.changes.roll_back("stage", "checkout", 1, ME)
    assert (await finished(application, deployment)).state == "successful"
    assert not [line for line in await messages(application, deployment) if "promot" in line]
    assert len(world.nomad.running("checkout")) == 3


async def test_the_spec_that_was_rolled_back_to_plans_no_change(application: Application) -> None:
    canary = "count: 3\nupdate: {canary: 1}\n"
    await deployed(application, canary, "count: 3\nenv: {A: b}\n")
    await finished(application, await application.changes.roll_back("stage", "checkout", 1, ME))
    assert not (await application.changes.plan(ADA, "stage", text(canary))).has_changes


async def test_two_rollbacks_in_a_row_go_back_and_forth(application: Application) -> None:
    await deployed(application, "env: {A: one}\n", "env: {A: two}\n")
    await finished(application, await application.changes.roll_back("stage", "checkout", None, ME))
    ended = await finished(application, await application.changes.roll_back("stage", "checkout", None, ME))
    assert ended.version == 2


async def test_an_unknown_version_is_refused_with_those_that_exist(application: Application) -> None:
    await deployed(application, "env: {A: one}\n", "env: {A: two}\n")
    with pytest.raises(UsageError, match="no version 9") as caught:
        await application.changes.roll_back("stage", "checkout", 9, ME)
    assert caught.value.next_step == "There are 1 to 2."


async def test_a_first_version_has_nothing_before_it(application: Application) -> None:
    await deployed(application, "")
    with pytest.raises(UsageError, match="no earlier good version") as caught:
        await application.changes.roll_back("stage", "checkout", None, ME)
    assert "`outrider history checkout -e stage`" in str(caught.value.next_step)
    with pytest.raises(UsageError, match="stage knows no service chekout"):
        await application.changes.roll_back("stage", "chekout", None, ME)


async def test_the_version_that_runs_needs_no_rollback(world: World, application: Application) -> None:
    await deployed(application, "")
    ended = await application.changes.roll_back("stage", "checkout", 1, ME)
    assert (ended.state, ended.reason) == ("successful", "version 1 runs already")
    assert world.nomad.registrations == 1


async def test_d19_a_version_whose_artifact_is_gone_is_refused(world: World, application: Application) -> None:
    await kept(application, b"a directory")
    packed = hashlib.sha256(b"a directory").hexdigest()
    spec = "service: checkout\nrun: {command: [app], directory: .}\n"
    await finished(application, await application.changes.deploy("stage", Text(spec, artifact=packed), ME))
    await deployed(application, "env: {A: two}\n")
    async with world.store.database.writing() as connection:
        await connection.execute(delete(artifacts))
    with pytest.raises(UsageError, match="no longer stored"):
        await application.changes.roll_back("stage", "checkout", 1, ME)


JOB: dict[str, Any] = {
    "Meta": {"outrider_protocol": "http"},
    "TaskGroups": [{"Name": "a", "Count": 1, "Networks": [{}], "Update": {"Canary": 1, "MaxParallel": 2}}],
}


def update_of(count: int, **changes: Any) -> dict[str, Any]:
    group = JOB["TaskGroups"][0] | {key: value for key, value in changes.items() if key == "Networks"}
    job = JOB | {"TaskGroups": [group]} | {key: value for key, value in changes.items() if key == "Meta"}
    return rolled_back(job, count)["TaskGroups"][0]["Update"]


def test_all_at_once_means_the_new_ones_start_beside_the_old_and_promote_themselves() -> None:
    assert update_of(2) == {"Canary": 2, "AutoPromote": True, "MaxParallel": 2}


def test_more_than_can_be_replaced_at_once_roll_without_canary() -> None:
    assert update_of(3) == {"Canary": 0, "AutoPromote": False, "MaxParallel": 2}


def test_a_fixed_port_leaves_no_room_beside() -> None:
    assert update_of(1, Networks=[{"ReservedPorts": [{"Value": 80}]}])["Canary"] == 0


def test_two_redis_would_share_keys() -> None:
    assert update_of(1, Meta={"outrider_protocol": "redis"})["Canary"] == 0


def test_the_stored_job_itself_is_left_as_it_is() -> None:
    update_of(3)
    assert JOB["TaskGroups"][0]["Update"] == {"Canary": 1, "MaxParallel": 2}


async def test_a_rollback_to_the_version_of_a_canary_that_waits_gives_it_to_all(
    world: World, application: Application
) -> None:
    """It runs on one allocation only: to say that it runs already would be wrong, and a rollback waits for nobody."""
    await deployed(application, "count: 3\n")
    canary = await application.changes.deploy("stage", text("count: 3\nenv: {A: b}\nupdate: {canary: 1}\n"), ME)
    ended = await finished(application, await application.changes.roll_back("stage", "checkout", 2, ME))
    assert (ended.state, ended.version) == ("successful", 2)
    assert ended.id != canary.id
    assert "runs already" not in ended.reason
    job: Any = await world.nomad.job("checkout")
    assert {one.version for one in world.nomad.running("checkout")} == {job["Version"]}


async def test_a_version_of_no_allocations_comes_back_as_one(world: World, application: Application) -> None:
    await deployed(application, "count: 0\n", "count: 2\n")
    ended = await finished(application, await application.changes.roll_back("stage", "checkout", 1, ME))
    assert (ended.state, ended.count) == ("successful", 0)
    assert (world.nomad.count("checkout"), world.nomad.running("checkout")) == (0, [])
