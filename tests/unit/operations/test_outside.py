"""What others do to a service's job is seen, with its author where Nomad knows it; nothing of ours is claimed to run that does not."""

from __future__ import annotations

from typing import Any

from fakes.world import ADA, World, finished, text

from outrider.operations.answers.outside import SOMEBODY, OutsideChange
from outrider.operations.answers.status import Status
from outrider.operations.application import Application
from outrider.operations.opening import Order

ME = Order(ADA)
TOKEN = "2bd45d27-0664-4ee9-6c18-cc0520352cca"


async def deployed(application: Application, more: str = "count: 2\n") -> None:
    await finished(application, await application.changes.deploy("stage", text(more), ME))


async def settled(world: World) -> None:
    rollout: Any = await world.nomad.deployment_of("checkout")
    while rollout["Status"] == "running":
        rollout, _ = await world.nomad.deployment(rollout["ID"])


async def seen(application: Application) -> Status:
    return await application.status(ADA, "stage", "checkout")


async def listed(application: Application) -> Status:
    (found,) = await application.statuses(ADA, "stage")
    return found


async def only(application: Application) -> OutsideChange:
    (found,) = (await seen(application)).changes
    return found


async def test_what_nobody_else_has_touched_shows_no_change(application: Application) -> None:
    await deployed(application)
    await finished(application, await application.changes.scale("stage", "checkout", 3, ME))
    assert (await seen(application)).changes == ()
    assert (await listed(application)).changes == ()
    assert await application.outside_changes(ADA, "stage", "checkout") == ()


async def test_a_scale_by_hand_says_the_counts_and_what_was_said_to_nomad(
    world: World, application: Application
) -> None:
    await deployed(application)
    await world.nomad.scale("checkout", "checkout", 5, "black friday")
    found = await only(application)
    assert (found.kind, found.said, found.by) == ("scaled", "scaled 2 → 5 (black friday)", SOMEBODY)
    assert found.at is not None
    (light,) = (await listed(application)).changes
    assert light.said == "scaled 2 → 5"


async def test_scaled_to_0_by_hand_it_is_not_said_to_run(world: World, application: Application) -> None:
    await deployed(application)
    await world.nomad.scale("checkout", "checkout", 0)
    found = await seen(application)
    assert found.state == "stopped"
    assert found.changes[0].said == "scaled 2 → 0"


async def test_an_edit_names_the_places_and_the_token_that_nomad_keeps(world: World, application: Application) -> None:
    await deployed(application)
    job: Any = await world.nomad.job("checkout")
    job["TaskGroups"][0]["Tasks"][-1]["Env"] |= {"EDITED": "yes"}
    await world.nomad.register(job | {"NomadTokenID": TOKEN})
    found = await only(application)
    assert found.kind == "edited"
    assert "EDITED" in found.said
    assert found.places
    assert found.by == "the Nomad token 2bd45d27"


async def test_a_job_reverted_by_hand_runs_our_older_version_by_somebody_else(
    world: World, application: Application
) -> None:
    await deployed(application)
    await deployed(application, "count: 2\nenv: {A: b}\n")
    await world.nomad.revert("checkout", 0)
    await settled(world)
    found = await seen(application)
    assert found.version == 1
    assert (found.changes[0].kind, found.changes[0].said) == ("reverted", "reverted to version 1")
    assert (await listed(application)).changes[0].said == "reverted to version 1"


async def test_what_nomad_brings_back_by_itself_is_nobodys_change(world: World, application: Application) -> None:
    await deployed(application)
    bad = await application.changes.plan(ADA, "stage", text("env: {A: bad}\n"))
    world.nomad.outcomes[bad.version_hash] = "crash"
    ended = await finished(application, await application.changes.deploy("stage", text("env: {A: bad}\n"), ME))
    assert ended.state == "failed"
    assert (await seen(application)).changes == ()


async def test_a_job_stopped_by_hand_is_stopped_by_somebody_else(world: World, application: Application) -> None:
    await deployed(application)
    await world.nomad.deregister("checkout")
    found = await seen(application)
    assert (found.state, found.changes[0].kind) == ("stopped", "stopped")
    assert (await listed(application)).changes[0].kind == "stopped"


async def test_a_stop_of_ours_is_no_change_of_others(application: Application) -> None:
    await deployed(application)
    await finished(application, await application.changes.stop("stage", "checkout", ME))
    assert (await seen(application)).changes == ()
    assert (await listed(application)).changes == ()


async def test_a_purged_job_is_gone_and_when_it_went_is_told(world: World, application: Application) -> None:
    await deployed(application)
    await world.nomad.deregister("checkout", purge=True)
    found = await seen(application)
    assert (found.state, found.version, found.changes[0].kind) == ("stopped", None, "gone")
    assert found.changes[0].at is not None
    assert (await listed(application)).changes[0].kind == "gone"


async def test_a_stopped_job_that_nomad_has_collected_is_still_gone(world: World, application: Application) -> None:
    await deployed(application)
    await world.nomad.deregister("checkout", purge=True)
    world.nomad.server.state.evaluations.clear()
    found = await only(application)
    assert (found.kind, found.at) == ("gone", None)
    assert "collected" in found.said


async def test_one_that_we_have_stopped_and_nomad_has_collected_is_no_change(
    world: World, application: Application
) -> None:
    await deployed(application)
    await finished(application, await application.changes.stop("stage", "checkout", ME, purge=True))
    world.nomad.server.state.evaluations.clear()
    assert (await seen(application)).changes == ()


async def test_a_foreign_job_of_the_same_name_is_not_said_to_be_ours(world: World, application: Application) -> None:
    await deployed(application)
    job: Any = await world.nomad.job("checkout")
    await world.nomad.register(job | {"Meta": {}})
    await settled(world)
    found = await seen(application)
    assert (found.state, found.version) == ("replaced", None)
    assert found.changes[0].kind == "replaced"
    assert (await listed(application)).state == "replaced"


async def test_a_job_started_again_by_hand_after_our_stop_says_so(world: World, application: Application) -> None:
    await deployed(application)
    await finished(application, await application.changes.stop("stage", "checkout", ME))
    job: Any = await world.nomad.job("checkout")
    await world.nomad.register(job | {"Stop": False})
    await settled(world)
    assert (await only(application)).kind == "started"
    assert (await listed(application)).changes[0].kind == "started"


async def test_allocations_stopped_one_by_one_are_told(world: World, application: Application) -> None:
    await deployed(application)
    await world.nomad.stop_allocation(world.nomad.running("checkout")[0].id)
    await settled(world)
    (found,) = await application.outside_changes(ADA, "stage", "checkout")
    assert (found.kind, found.by) == ("allocation_stopped", SOMEBODY)


async def test_the_history_keeps_what_others_did_before_our_last_change(world: World, application: Application) -> None:
    await deployed(application)
    await world.nomad.scale("checkout", "checkout", 5)
    await settled(world)
    await deployed(application, "count: 2\nenv: {A: b}\n")
    assert (await seen(application)).changes == ()
    (found,) = await application.outside_changes(ADA, "stage", "checkout")
    assert found.kind == "scaled"


async def test_a_plan_says_who_changed_the_job(world: World, application: Application) -> None:
    await deployed(application)
    await world.nomad.scale("checkout", "checkout", 4)
    plan = await application.changes.plan(ADA, "stage", text("count: 2\n"))
    assert any("changed outside of Outrider: scaled 2 → 4, by somebody" in one for one in plan.warnings)
