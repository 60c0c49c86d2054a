"""Callers and what they notice, and the proof that nobody else's documents change."""

from __future__ import annotations

import pytest
from fakes.world import ADA, PLATFORM, World, finished, text

from outrider.operations.answers.rollout import Rollout, Step
from outrider.operations.application import Application
from outrider.operations.change.noticed import Turn, notices
from outrider.operations.opening import Order
from outrider.spec.reading.files import read_platform, read_service
from outrider.spec.service import Service

ME = Order(ADA)
CHECKOUT = "service: checkout\nrun: {command: [c]}\nupstreams: {payments: {}}\n"
CART = "service: cart\nrun: {command: [c]}\nupstreams: {checkout: {}}\n"
PAYMENTS = "service: payments\nrun: {command: [p]}\n"


@pytest.fixture
async def shop(application: Application) -> Application:
    """A caller, the service, and an upstream."""
    for spec in (PAYMENTS, CHECKOUT, CART):
        ended = await finished(application, await application.changes.deploy("stage", text(spec=spec), ME))
        assert ended.state == "successful"
    return application


async def test_no_other_services_documents_change_and_the_plan_says_how_it_knows(shop: Application) -> None:
    found = (await shop.changes.plan(ADA, "stage", text(spec=CHECKOUT + "env: {A: b}\n"))).around
    assert (found.callers, found.upstreams) == (("cart",), ("payments",))
    assert found.proof == "no other service's documents change (1 caller and 1 upstream rendered and compared)"
    assert (found.compared, found.affected, found.uncompared) == (("cart", "payments"), (), ())


async def test_another_protocol_names_the_callers_whose_documents_would_change(shop: Application) -> None:
    found = (await shop.changes.plan(ADA, "stage", text(spec=CHECKOUT + "protocol: grpc\n"))).around
    assert [(one.service, one.reason) for one in found.affected] == [
        ("cart", "would be told that checkout speaks grpc instead of http")
    ]
    assert found.proof.startswith("nothing of other services changes now; 1 would change at their next deploy")
    assert found.notices[0].startswith("it speaks grpc instead of http")


async def test_a_caller_that_could_not_be_deployed_again_is_named_with_the_reason(shop: Application) -> None:
    found = (await shop.changes.plan(ADA, "stage", text(spec=CHECKOUT + "port: none\n"))).around
    (cart,) = found.affected
    assert cart.reason.startswith("could not be deployed again as it is: upstreams.checkout")
    assert found.notices[0] == "it cannot be called any more (port: none): their requests fail"


async def test_a_neighbour_that_nobody_has_deployed_is_named_as_not_compared(application: Application) -> None:
    spec = "service: checkout\nrun: {command: [c]}\nupstreams: {ghost: {protocol: http}}\n"
    found = (await application.changes.plan(ADA, "stage", text(spec=spec))).around
    assert [(one.service, one.reason) for one in found.uncompared] == [("ghost", "it was never deployed here")]
    assert found.proof.endswith("(0 callers and 0 upstreams rendered and compared)")


async def test_an_upstream_outside_and_the_service_itself_are_no_neighbours(application: Application) -> None:
    spec = "service: checkout\nrun: {command: [c]}\nupstreams: {fx: {address: 'fx.example.com:80'}}\n"
    found = (await application.changes.plan(ADA, "stage", text(spec=spec))).around
    assert (found.callers, found.upstreams, found.compared) == ((), (), ())


async def test_a_default_of_the_platform_is_told_as_the_platforms_beside_the_specs(world: World) -> None:
    application = world.application()
    for spec in (PAYMENTS, CHECKOUT):
        await finished(application, await application.changes.deploy("stage", text(spec=spec), ME))
    world.platform = read_platform(
        PLATFORM.replace("driver: raw_exec", "driver: raw_exec\n    defaults: {timeout: 3s}", 1), "p"
    )
    plan = await world.application().changes.plan(ADA, "stage", text(spec=CHECKOUT + "env: {A: b}\n"))
    assert [one.path for one in plan.changes] == ["env.A"]
    told = {one.path: (one.before, one.after, one.note) for one in plan.sidecar}
    assert told["upstreams.payments.timeout"] == ("5s", "3s", "the platform's")
    assert plan.places > 0


def service(more: str = "") -> Service:
    return read_service(f"service: checkout\nrun: {{command: [c]}}\n{more}", "f", None).service


def seen(before: str, after: str, rollout: Rollout | None = None) -> tuple[str, ...]:
    return notices(Turn(service(before), service(after), rollout or Rollout(before=2, after=2, least=2)))


@pytest.mark.parametrize(
    ("before", "after", "words"),
    [
        ("", "mesh: false\n", "it leaves the mesh"),
        ("mesh: false\n", "", "it joins the mesh"),
        (
            "",
            "ingress: {rate: 50}\n",
            "more than 50 requests/s per allocation are answered 429, of which there was none",
        ),
        ("ingress: {rate: 90}\n", "ingress: {rate: 50}\n", "429, 90 until now"),
        ("ingress: {rate: 90}\n", "", "no rate limit any more (90 requests/s"),
        ("ingress: {static: 80}\n", "ingress: {static: 81}\n", "at the node's port 81 instead of 80"),
        ("ingress: {static: 80}\n", "", "at no fixed port of the node any more"),
        ("mesh: false\nport: 80\n", "mesh: false\nport: 81\n", "at another port (80 → 81)"),
        ("stop: {delay: 9s}\n", "", "for 5s instead of 9s at most"),
        ("stop: {timeout: 25s}\n", "", "get 20s instead of 25s to end"),
        ("", "consul: {tags: [blue]}\n", "its tags or meta in Consul"),
        ("port: none\n", "", "it can be called from now on, by http"),
    ],
)
def test_callers_are_told_what_they_will_notice(before: str, after: str, words: str) -> None:
    assert [line for line in seen(before, after) if words in line], seen(before, after)


def test_callers_notice_nothing_of_what_is_the_services_own_business() -> None:
    assert seen("", "env: {A: b}\nport: 81\nresources: {cpu: 7}\nupstreams: {x: {protocol: http}}\n") == ()


def test_callers_are_told_how_few_serve_meanwhile_and_of_canaries() -> None:
    assert seen("", "", Rollout(before=4, after=4, least=2)) == (
        "2 of 4 allocations serve while others are replaced; no request is lost by it",
    )
    assert "no instance serves" in seen("", "", Rollout(before=1, after=1, least=0))[0]
    assert "their requests fail" in seen("", "", Rollout(before=1, after=0, least=0))[0]
    steps = (Step("canary", 1, (0,), 1, "health", ""), Step("promote", 2, (0,), 1, "promotion", "waits for your word"))
    assert seen("", "", Rollout(steps, 4, 4, 4)) == (
        "about 1 of 5 requests meet the new version while the canary waits to be promoted",
    )


async def test_the_proof_of_a_second_plan_is_that_of_the_first(shop: Application) -> None:
    first, second = [
        (await shop.changes.plan(ADA, "stage", text(spec=CHECKOUT + "protocol: grpc\n"))).around for _ in range(2)
    ]
    assert first == second
    assert [one.service for one in second.affected] == ["cart"]


async def test_a_neighbour_that_was_deployed_anew_since_the_last_plan_is_rendered_anew(shop: Application) -> None:
    spoken = text(spec=CHECKOUT + "protocol: grpc\n")
    assert [one.service for one in (await shop.changes.plan(ADA, "stage", spoken)).around.affected] == ["cart"]
    states_it = CART.replace("checkout: {}", "checkout: {protocol: http}")
    await finished(shop, await shop.changes.deploy("stage", text(spec=states_it), ME))
    found = (await shop.changes.plan(ADA, "stage", spoken)).around
    (cart,) = found.affected
    assert cart.reason.startswith("could not be deployed again as it is: upstreams.checkout.protocol: is http")
