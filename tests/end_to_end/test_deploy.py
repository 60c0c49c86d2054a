"""Deployments from the portal's API to processes that answer, on the embedded cluster."""

from __future__ import annotations

import asyncio

import httpx2
from support.stage import ENVIRONMENT, Stage, spec

from outrider.operations.events import PromotionEvent
from outrider.operations.request_bodies import ChangeBody, DeployBody, RollbackBody, ScaleBody, SpecBody, StopBody

CANARY = "canary: 1"
PLAIN = "mesh: false\n"
WORKER = """
service: echo
mesh: false
port: none
run: {{command: [sleep, "1{number}00"]}}
update: {{min_healthy_time: 0s}}
"""


async def answers(stage: Stage) -> set[str]:
    """What the instances answer that Consul knows."""
    status = await stage.portal.status(ENVIRONMENT, "echo")
    async with httpx2.AsyncClient() as client:
        replies = [await client.get(f"http://{one.address}/") for one in status.instances]
    return {reply.text for reply in replies}


async def test_a_service_comes_up_behind_its_envoy_and_the_same_spec_changes_nothing(stage: Stage) -> None:
    ended = await stage.run(spec("one"))
    assert (ended.state, ended.version) == ("successful", 1), ended
    assert await answers(stage) == {"one"}
    plan = await stage.portal.plan(ENVIRONMENT, SpecBody(spec=spec("one")))
    assert (plan.has_changes, plan.changes, plan.warnings) == (False, (), ())
    again = await stage.run(spec("one"))
    assert again.reason == "no change: version 1 runs already"
    endpoints = await stage.portal.endpoints(ENVIRONMENT, "echo")
    assert (endpoints.problems, len(endpoints.sidecars)) == ((), 1)
    assert endpoints.sidecars[0].problem is None


async def test_another_count_keeps_what_runs_and_survives_a_spec_without_one(stage: Stage) -> None:
    assert (await stage.run(spec("one", PLAIN))).state == "successful"
    first = await stage.running()
    scaled = await stage.ended(await stage.portal.act(ENVIRONMENT, "echo", "scale", ScaleBody(count=3)))
    assert scaled.state == "successful", scaled
    assert first < await stage.running()
    assert (await stage.run(spec("two", PLAIN))).state == "successful"
    assert len(await stage.running()) == 3
    assert await answers(stage) == {"two"}


async def test_a_canary_waits_for_its_promotion_and_scaling_waits_for_the_canary(stage: Stage) -> None:
    assert (await stage.run(spec("one", PLAIN + "count: 2\n", CANARY))).state == "successful"
    old = await stage.running()
    deployment = await stage.deploy(spec("two", PLAIN + "count: 2\n", CANARY))
    assert (await stage.reached(deployment, PromotionEvent)).detail.needed
    assert old < await stage.running()
    await stage.portal.act(ENVIRONMENT, "echo", "promote", ChangeBody())
    assert (await stage.ended(deployment)).state == "successful"
    assert old.isdisjoint(await stage.running())


async def test_d05_a_broken_version_fails_with_its_reason_and_the_old_allocations_stay(stage: Stage) -> None:
    assert (await stage.run(spec("one", PLAIN))).state == "successful"
    old = await stage.running()
    ended = await stage.run(spec("broken", PLAIN))
    assert ended.state == "failed"
    assert "this version is broken" in ended.reason
    assert await stage.running() == old
    status = await stage.portal.status(ENVIRONMENT, "echo")
    assert (status.version, status.state) == (1, "running")


async def test_a_rollback_reaches_further_back_than_nomad_remembers(stage: Stage) -> None:
    for number in range(1, 9):
        ended = await stage.run(WORKER.format(number=number))
        assert ended.state == "successful", ended
    remembered = {version["Version"] for version in await stage.nomad.versions("echo")}
    assert 0 not in remembered
    back = await stage.ended(await stage.portal.act(ENVIRONMENT, "echo", "rollback", RollbackBody(version=1)))
    assert (back.state, back.version) == ("successful", 1)
    assert (await stage.portal.status(ENVIRONMENT, "echo")).version == 1


async def test_d11_a_portal_that_is_killed_takes_its_deployment_up_again(killable_stage: Stage) -> None:
    stage = killable_stage
    assert (await stage.run(spec("one", PLAIN + "count: 2\n", CANARY))).state == "successful"
    deployment = await stage.deploy(spec("two", PLAIN + "count: 2\n", CANARY))
    await stage.kill_portal()
    await stage.start_portal()
    assert (await stage.reached(deployment, PromotionEvent)).detail.needed
    await stage.portal.act(ENVIRONMENT, "echo", "promote", ChangeBody())
    ended = await stage.ended(deployment)
    assert ended.state == "successful", ended
    kinds = [event.kind for event in await stage.portal.event_list(deployment.id)]
    assert (kinds.count("registered"), kinds.count("resumed"), kinds.count("verdict")) == (1, 1, 1)
    assert len(await stage.nomad.versions("echo")) == 2


async def test_a_stopped_service_leaves_no_process_and_comes_back_as_it_was(stage: Stage) -> None:
    assert (await stage.run(spec("one", PLAIN))).state == "successful"
    ended = await stage.ended(await stage.portal.act(ENVIRONMENT, "echo", "stop", StopBody()))
    assert ended.state == "successful"
    assert await stage.running() == set()
    again = await stage.run(spec("one", PLAIN))
    assert (again.state, again.version) == ("successful", 1)


async def test_two_deployers_on_the_same_plan_get_one_deployment_and_one_conflict(stage: Stage) -> None:
    index = (await stage.portal.plan(ENVIRONMENT, SpecBody(spec=spec("one", PLAIN)))).check_index
    bodies = [DeployBody(spec=spec(flavour, PLAIN), check_index=index) for flavour in ("one", "two")]
    both = await asyncio.gather(
        *(stage.portal.deploy(ENVIRONMENT, body, f"key-{body.spec.count('two')}") for body in bodies),
        return_exceptions=True,
    )
    assert sorted(type(one).__name__ for one in both) == ["ConflictError", "Deployment"]
