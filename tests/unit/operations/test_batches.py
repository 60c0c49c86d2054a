"""Several services deployed as one plan: callees first, circles together, and what a failure stops."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from fakes.nomad import Outcome
from fakes.world import ADA, World, finished, someone
from outrider_ground.errors import ConflictError, SpecError, UsageError
from outrider_harness.nomad_calls import job

from outrider.operations.answers.batch import BatchStep, Total
from outrider.operations.application import Application
from outrider.operations.batches import Batch, BatchMember
from outrider.operations.change.documents import Text
from outrider.operations.opening import Order

ME = Order(ADA)


def spec(service: str, *upstreams: str, more: str = "") -> Text:
    """A service that calls these."""
    calls = ", ".join(f"{one}: {{}}" for one in upstreams)
    return Text(
        f"service: {service}\nrun: {{command: [/usr/bin/{service}]}}\nupstreams: {{{calls}}}\n{more}", f"{service}.yaml"
    )


SHOP = (spec("storefront", "cart", "catalog"), spec("cart", "sessions"), spec("catalog"), spec("sessions"))


async def ended(application: Application, batch: Batch) -> Batch:
    """The batch after its end."""
    async with asyncio.timeout(60):
        while (found := await application.changes.batch(ADA, batch.id)).state == "running":  # noqa: ASYNC110  the store has no bell
            await asyncio.sleep(0.01)
    return found


async def run(application: Application, *texts: Text) -> dict[str, BatchMember]:
    batch = await ended(application, await application.changes.deploy_batch("stage", texts, ME))
    return {one.service: one for one in batch.members}


async def becomes(world: World, application: Application, texts: tuple[Text, ...], fates: dict[str, Outcome]) -> None:
    """What shall become of these services."""
    plan = await application.changes.plan_batch(ADA, "stage", texts)
    hashes = {one.service: one.version_hash for one in plan.plans}
    world.nomad.outcomes |= {hashes[service]: outcome for service, outcome in fates.items()}


async def begun_at(application: Application, member: BatchMember) -> object:
    assert member.deployment
    return (await application.deployment(ADA, member.deployment)).created_at


async def test_a_plan_of_several_has_callees_first_and_a_total(application: Application) -> None:
    plan = await application.changes.plan_batch(ADA, "stage", SHOP)
    assert plan.steps == (
        BatchStep(("catalog",), ()),
        BatchStep(("sessions",), ()),
        BatchStep(("cart",), ("sessions",)),
        BatchStep(("storefront",), ("cart", "catalog")),
    )
    assert [one.service for one in plan.plans] == ["catalog", "sessions", "cart", "storefront"]
    assert plan.total == Total(new=4, changed=0, unchanged=0, allocations={"place": 4})
    assert plan.has_changes


async def test_an_upstream_outside_is_no_service_of_the_batch(application: Application) -> None:
    outside = spec("a").spec.replace("upstreams: {}", 'upstreams: {b: {address: "b.example:443", tls: true}}')
    plan = await application.changes.plan_batch(ADA, "stage", (Text(outside, "a.yaml"), spec("b", "a")))
    assert plan.steps == (BatchStep(("a",), ()), BatchStep(("b",), ("a",)))


async def test_a_plan_tells_new_changed_and_unchanged_apart(application: Application) -> None:
    await run(application, *SHOP[2:])
    changed = (spec("catalog", more="env: {A: b}\n"), spec("sessions"), spec("payments"))
    plan = await application.changes.plan_batch(ADA, "stage", changed)
    assert (plan.total.new, plan.total.changed, plan.total.unchanged) == (1, 1, 1)


async def test_several_services_come_up_callees_first(application: Application) -> None:
    found = await run(application, *SHOP)
    assert {one.state for one in found.values()} == {"successful"}
    begun = {name: await begun_at(application, one) for name, one in found.items()}
    ends = {name: (await application.deployment(ADA, one.deployment or "")).ended_at for name, one in found.items()}
    assert ends["sessions"] <= begun["cart"]  # type: ignore[operator]
    assert max(ends["cart"], ends["catalog"]) <= begun["storefront"]  # type: ignore[operator,type-var]


async def test_the_protocol_of_a_callee_that_is_not_deployed_yet_is_taken_from_its_file(
    application: Application,
) -> None:
    texts = (spec("cart", "sessions"), spec("sessions", more="protocol: redis\ncount: 1\n"))
    found = await run(application, *texts)
    assert {one.state for one in found.values()} == {"successful"}
    plan = await application.changes.plan(ADA, "stage", texts[0])
    assert not plan.has_changes


async def test_the_protocol_in_the_file_of_a_callee_counts_more_than_the_one_that_runs(
    application: Application,
) -> None:
    await run(application, spec("cart", "sessions"), spec("sessions"))
    texts = (spec("cart", "sessions"), spec("sessions", more="protocol: tcp\n"))
    plan = await application.changes.plan_batch(ADA, "stage", texts)
    assert plan.total.changed == 2
    await run(application, *texts)
    assert not (await application.changes.plan(ADA, "stage", texts[0])).has_changes


async def test_a_circle_comes_up_together_and_the_plan_has_it_as_one_step(application: Application) -> None:
    texts = (spec("a", "b"), spec("b", "a"), spec("c", "a"))
    plan = await application.changes.plan_batch(ADA, "stage", texts)
    assert plan.steps == (BatchStep(("a", "b"), ()), BatchStep(("c",), ("a",)))
    found = await run(application, *texts)
    assert {one.state for one in found.values()} == {"successful"}
    assert (found["a"].step, found["b"].step, found["c"].step) == (0, 0, 1)


async def test_a_circle_larger_than_what_may_be_under_way_at_once_comes_up_whole(application: Application) -> None:
    ring = [f"s{number:02}" for number in range(12)]
    texts = [spec(one, ring[(place + 1) % len(ring)]) for place, one in enumerate(ring)]
    found = await run(application, *texts)
    assert {one.state for one in found.values()} == {"successful"}


async def test_one_that_fails_stops_what_stands_on_it_and_the_rest_goes_on(
    world: World, application: Application
) -> None:
    await becomes(world, application, SHOP, {"sessions": "crash"})
    found = await run(application, *SHOP)
    assert {name: one.state for name, one in found.items()} == {
        "catalog": "successful",
        "sessions": "failed",
        "cart": "not_deployed",
        "storefront": "not_deployed",
    }
    assert found["cart"].reason == "sessions failed"
    assert found["storefront"].reason == "sessions failed"
    assert await world.nomad.job("cart") is None


async def test_one_that_finds_no_room_is_named_so(world: World, application: Application) -> None:
    await becomes(world, application, SHOP, {"catalog": "no room"})
    found = await run(application, *SHOP)
    assert (found["catalog"].state, found["storefront"].reason) == ("not_placed", "catalog found no room")
    assert found["cart"].state == "successful"


async def test_half_a_circle_that_fails_stops_the_callers_of_the_other_half(
    world: World, application: Application
) -> None:
    texts = (spec("a", "b"), spec("b", "a"), spec("c", "a", "b"))
    await becomes(world, application, texts, {"b": "crash"})
    found = await run(application, *texts)
    assert (found["a"].state, found["b"].state, found["c"].state) == ("successful", "failed", "not_deployed")


async def test_a_canary_that_waits_is_up_for_those_that_call_it(application: Application) -> None:
    canary = "count: 2\nupdate: {canary: 1}\n"
    await run(application, spec("a", more=canary))
    found = await run(application, spec("a", more=canary + "env: {A: b}\n"), spec("c", "a"))
    assert (found["a"].state, found["c"].state) == ("waiting", "successful")


async def test_the_same_batch_again_changes_nothing(world: World, application: Application) -> None:
    await run(application, *SHOP)
    registrations = world.nomad.registrations
    again = await run(application, *SHOP)
    assert {one.reason for one in again.values()} == {"no change: version 1 runs already"}
    assert world.nomad.registrations == registrations
    plan = await application.changes.plan_batch(ADA, "stage", SHOP)
    assert (plan.has_changes, plan.total.unchanged) == (False, 4)


async def test_the_same_service_twice_is_an_error_that_names_both_files(world: World, application: Application) -> None:
    twice = (spec("a"), Text(spec("a").spec, "other.yaml"))
    with pytest.raises(SpecError) as error:
        await application.changes.deploy_batch("stage", twice, ME)
    (problem,) = error.value.problems
    assert (problem.file, problem.message) == ("other.yaml", "a is the service of a.yaml too")
    assert world.nomad.registrations == 0


async def test_all_that_is_wrong_with_any_of_them_is_told_at_once_and_nothing_is_deployed(
    world: World, application: Application
) -> None:
    texts = (spec("a", "nowhere"), spec("b", more="protocol: smoke\n"), spec("c", "elsewhere"), spec("d"))
    with pytest.raises(SpecError) as read:
        await application.changes.deploy_batch("stage", texts, ME)
    assert [one.file for one in read.value.problems] == ["b.yaml"]
    with pytest.raises(SpecError) as resolved:
        await application.changes.deploy_batch("stage", (texts[0], *texts[2:]), ME)
    assert sorted(one.file or "" for one in resolved.value.problems) == ["a.yaml", "c.yaml"]
    assert world.nomad.registrations == 0


async def test_nothing_begins_where_envoy_refuses_one_of_them(world: World, application: Application) -> None:
    world.envoy.refused_word = "refuse-me"
    with pytest.raises(SpecError, match="refuse-me"):
        await application.changes.deploy_batch("stage", (spec("a"), spec("refuse-me")), ME)
    assert world.nomad.registrations == 0


async def test_nothing_begins_where_one_of_them_is_somebody_elses_job(world: World, application: Application) -> None:
    await world.nomad.register(job("b"))
    with pytest.raises(ConflictError, match="not deployed by Outrider: b"):
        await application.changes.deploy_batch("stage", (spec("a"), spec("b")), ME)
    assert await world.nomad.job("a") is None
    batch = await application.changes.deploy_batch("stage", (spec("a"), spec("b")), replace(ME, take_over=True))
    assert (await ended(application, batch)).state == "successful"


async def test_no_spec_at_all_is_refused(application: Application) -> None:
    with pytest.raises(UsageError, match="no spec"):
        await application.changes.plan_batch(ADA, "stage", ())


async def test_a_repeated_request_is_the_same_batch_and_another_one_with_its_key_is_refused(
    application: Application,
) -> None:
    keyed = replace(ME, key="k", request_hash="h")
    first = await application.changes.deploy_batch("stage", SHOP, keyed)
    assert (await application.changes.deploy_batch("stage", SHOP, keyed)).id == first.id
    with pytest.raises(ConflictError, match="another request"):
        await application.changes.deploy_batch("stage", SHOP[2:], keyed)
    await ended(application, first)


async def test_a_portal_that_takes_a_batch_up_goes_on_and_repeats_nothing(world: World) -> None:
    first = world.application(lease_s=0.2)
    world.nomad.delay_s = 0.05
    batch = await first.changes.deploy_batch("stage", SHOP, replace(ME, by=someone("kim")))
    while not any(one.deployment for one in (await first.changes.batch(ADA, batch.id)).members):  # noqa: ASYNC110  the store has no bell
        await asyncio.sleep(0.01)
    for runner in (*world.batches, *world.runners):
        await runner.close()
    world.nomad.delay_s = 0.0
    second = world.application(lease_s=0.2)
    world.runner.start()
    world.batches[-1].start()
    over = await ended(second, batch)
    assert over.state == "successful", over
    for one in over.members:
        deployments = await second.deployments(ADA, "stage", one.service)
        assert [(each.id, each.created_by) for each in deployments] == [(one.deployment, "kim")]
    assert over.ended_at is not None


async def test_a_batch_that_is_another_portals_is_left_to_it(world: World) -> None:
    first, second = world.application(), world.application()
    batch = await first.changes.deploy_batch("stage", SHOP, ME)
    second.changes.batches.drive(batch)
    over = await ended(first, batch)
    assert over.state == "successful"
    counts = [len(await first.deployments(ADA, "stage", one.service)) for one in over.members]
    assert counts == [1, 1, 1, 1]


async def test_a_batch_that_cannot_be_driven_ends_and_is_not_under_way_for_ever(application: Application) -> None:
    members = (BatchMember("a", 0, ("nobody",)),)
    broken = Batch("broken", "stage", "running", "ada", datetime.now(UTC), members)
    over = await ended(application, await application.changes.batches.begin(broken, {}))
    assert over.state == "failed"


async def test_what_a_batch_has_decided_on_before_stands_when_it_is_taken_up(application: Application) -> None:
    members = (BatchMember("a", 0, (), "failed", "boom"), BatchMember("b", 1, ("a",)))
    left = Batch("left", "stage", "running", "ada", datetime.now(UTC), members)
    first, second = (await ended(application, await application.changes.batches.begin(left, {}))).members
    assert (first.reason, second.state, second.reason) == ("boom", "not_deployed", "a failed")


async def test_a_batch_that_nobody_knows_is_named(application: Application) -> None:
    with pytest.raises(UsageError, match="no batch nothing"):
        await application.changes.batch(ADA, "nothing")


async def test_those_that_are_independent_do_not_wait_for_one_that_is_slow(
    world: World, application: Application
) -> None:
    texts = (spec("slow"), spec("quick"), spec("after", "quick"))
    await becomes(world, application, texts, {"slow": "hang"})
    batch = await application.changes.deploy_batch("stage", texts, ME)
    async with asyncio.timeout(30):
        while True:
            now = {one.service: one.state for one in (await application.changes.batch(ADA, batch.id)).members}
            if now["after"] == "successful":
                break
            await asyncio.sleep(0.01)
    assert now["slow"] in {"running", "pending", "failed"}
    await finished(application, (await application.deployments(ADA, "stage", "quick"))[0])


async def test_a_plan_of_many_services_lists_jobs_once(world: World, application: Application) -> None:
    await application.changes.plan_batch(ADA, "stage", [spec(f"s{number}") for number in range(20)])
    assert world.nomad.lists == 1


async def test_services_that_are_deployed_together_share_lists_of_jobs(world: World, application: Application) -> None:
    asked, services = world.nomad.transport.asked, 24
    members = await run(application, *(spec(f"s{number}") for number in range(services)))
    assert {one.state for one in members.values()} == {"successful"}
    assert asked["GET", "/v1/jobs"] <= services // 4


async def test_what_nomad_is_asked_for_one_service_does_not_grow_with_their_number(
    world: World, application: Application
) -> None:
    asked, found = world.nomad.transport.asked, list[float]()
    for name, services in (("few", 4), ("many", 24)):
        asked.clear()
        await run(application, *(spec(f"{name}{number}") for number in range(services)))
        found.append(asked.total() / services)
    assert found[1] <= found[0] * 1.1


async def test_plans_that_are_asked_for_at_once_share_a_list_of_jobs(world: World, application: Application) -> None:
    plans = [application.changes.plan(ADA, "stage", spec(f"s{number}")) for number in range(10)]
    assert len(await asyncio.gather(*plans)) == 10
    assert world.nomad.transport.asked["GET", "/v1/jobs"] <= 2
