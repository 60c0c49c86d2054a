"""A plan is deployed as it was made, or everything is named that has moved since."""

from __future__ import annotations

from dataclasses import replace

import pytest
from fakes.world import ADA, PLATFORM, World, finished, text
from outrider_ground.errors import ConflictError

from outrider.operations.answers.plan import Basis, Plan
from outrider.operations.application import Application
from outrider.operations.change.basis import check_basis
from outrider.operations.changes import Text
from outrider.operations.opening import Order
from outrider.spec.reading.files import read_platform
from outrider.topology.sidecar import CarriedAgent

ME = Order(ADA)
PAYMENTS = "service: payments\nrun: {command: [p]}\n"
CHECKOUT = "service: checkout\nrun: {command: [c]}\nupstreams: {payments: {}}\n"


async def planned(application: Application, spec: str) -> Plan:
    return await application.changes.plan(ADA, "stage", text(spec=spec))


def order(plan: Plan) -> Order:
    return replace(ME, check_index=plan.check_index, basis=plan.basis)


async def moved(application: Application, plan: Plan, spec: Text) -> str:
    with pytest.raises(ConflictError) as caught:
        await application.changes.deploy("stage", spec, order(plan))
    assert "outrider plan --save" in str(caught.value.next_step)
    return caught.value.message


async def test_a_plan_of_which_nothing_has_moved_is_deployed(application: Application) -> None:
    plan = await planned(application, CHECKOUT.replace("{}", "{protocol: http}"))
    spec = text(spec=CHECKOUT.replace("{}", "{protocol: http}"))
    ended = await finished(application, await application.changes.deploy("stage", spec, order(plan)))
    assert (ended.state, ended.version) == ("successful", 1)


async def test_a_second_run_of_the_same_plan_is_told_that_the_job_has_moved(application: Application) -> None:
    plan = await planned(application, PAYMENTS)
    await finished(application, await application.changes.deploy("stage", text(spec=PAYMENTS), order(plan)))
    said = await moved(application, plan, text(spec=PAYMENTS))
    assert said.startswith("payments would not be deployed as it was planned: its job in Nomad is at index ")
    assert ", not at 0; version " in said
    assert said.endswith("runs, not none")


async def test_another_protocol_of_an_upstream_is_named(application: Application) -> None:
    await finished(application, await application.changes.deploy("stage", text(spec=PAYMENTS), ME))
    plan = await planned(application, CHECKOUT)
    grpc = text(spec=PAYMENTS + "protocol: grpc\n")
    await finished(application, await application.changes.deploy("stage", grpc, ME))
    said = await moved(application, plan, text(spec=CHECKOUT))
    assert said == "checkout would not be deployed as it was planned: payments speaks grpc now, not http"


async def test_another_platform_that_makes_other_documents_is_named(world: World) -> None:
    plan = await planned(world.application(), CHECKOUT.replace("{}", "{protocol: http}"))
    slow = PLATFORM.replace("driver: raw_exec", "driver: raw_exec\n    defaults: {timeout: 3s}", 1)
    world.platform = read_platform(slow, "platform.yaml")
    said = await moved(world.application(), plan, text(spec=CHECKOUT.replace("{}", "{protocol: http}")))
    assert said.endswith("the platform file says something else for this environment")


async def test_a_platform_that_changes_nothing_of_what_is_registered_stops_nobody(world: World) -> None:
    plan = await planned(world.application(), PAYMENTS)
    other = PLATFORM.replace("driver: raw_exec", 'driver: raw_exec\n    prometheus: {address: "http://127.0.0.1:9"}', 1)
    world.platform = read_platform(other, "platform.yaml")
    application = world.application()
    ended = await finished(application, await application.changes.deploy("stage", text(spec=PAYMENTS), order(plan)))
    assert ended.state == "successful"


async def test_another_agent_is_named(world: World) -> None:
    plan = await planned(world.application(), PAYMENTS)
    world.agent = CarriedAgent(serve="c2VydmU=", gate="Z2F0ZQ==", sha256="b" * 64)
    said = await moved(world.application(), plan, text(spec=PAYMENTS))
    assert said.endswith("the agent that a job carries is another one")


async def test_the_same_agent_packed_into_other_bytes_stops_nobody(world: World) -> None:
    plan = await planned(world.application(), PAYMENTS)
    world.agent = replace(world.agent, serve="b3RoZXI=")
    application = world.application()
    ended = await finished(application, await application.changes.deploy("stage", text(spec=PAYMENTS), order(plan)))
    assert ended.state == "successful"


async def test_a_plan_for_other_servers_is_refused_as_such(world: World) -> None:
    plan = await planned(world.application(), PAYMENTS)
    world.platform = read_platform(PLATFORM.replace("4646", "4747"), "platform.yaml")
    said = await moved(world.application(), plan, text(spec=PAYMENTS))
    assert said == "this plan of payments was made for another portal: its Nomad or its Consul is another one"


async def test_another_spec_than_the_planned_one_is_no_secret(application: Application) -> None:
    plan = await planned(application, PAYMENTS)
    said = await moved(application, plan, text(spec=PAYMENTS + "env: {A: b}\n"))
    assert said.endswith("what would be registered is another job")


def test_patches_artifact_and_outrider_are_named_too() -> None:
    then = Basis("a", None, "c", "p", "1.0", "x", "d", {"slow": "1"}, {})
    now = Basis("b", None, "c", "p", "1.1", "x", "e", {"slow": "2"}, {})
    with pytest.raises(ConflictError) as caught:
        check_basis("checkout", then, (3, 3), now)
    assert caught.value.message == (
        "checkout would not be deployed as it was planned: the patch slow is another one; the portal is Outrider 1.1, and the "
        "plan was made by 1.0; the packed directory has other content"
    )
    check_basis("checkout", None, (3, 4), now)
