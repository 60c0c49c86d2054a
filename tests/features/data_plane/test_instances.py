"""Which instances are asked: the healthy ones, the quick ones, and all of them when too few are left."""

from __future__ import annotations

import asyncio
from collections import Counter

from support.http_app import Request
from support.street import Pair, Street, pair


async def good(request: Request) -> tuple[int, bytes]:
    return 200, b"good"


async def failing(request: Request) -> tuple[int, bytes]:
    return 503, b""


async def slow(request: Request) -> tuple[int, bytes]:
    await asyncio.sleep(2)
    return 200, b"slow"


async def statuses(there: Pair, requests: int) -> Counter[int]:
    return Counter([(await there.street.client.get(there.url)).status_code for _ in range(requests)])


def unhealthy(there: Pair, instances: int) -> None:
    ports = [one.ports["ingress"] for one in there.callees]
    there.street.discovery.health = dict.fromkeys(ports[:instances], "UNHEALTHY")


async def healthy(there: Pair, instances: int) -> None:
    await there.street.shows(there.caller, rf'membership_healthy\{{.*"payments".*\}} {instances}$')


async def test_c01_an_instance_that_consul_calls_critical_is_left_alone(street: Street) -> None:
    there = await pair(street, good, good, good, good)
    unhealthy(there, 2)
    await healthy(there, 2)
    assert await statuses(there, 20) == {200: 20}
    assert [bool(app.seen) for app in there.apps] == [False, False, True, True]


async def test_c01_below_two_fifths_healthy_all_instances_are_asked(street: Street) -> None:
    there = await pair(street, good, good, good, good)
    unhealthy(there, 3)
    await healthy(there, 1)
    assert await statuses(there, 40) == {200: 40}
    assert all(app.seen for app in there.apps)
    await street.shows(there.caller, r'lb_healthy_panic\{.*"payments".*\} [1-9]')


async def test_c02_without_any_instance_the_answer_is_503_at_once(street: Street) -> None:
    there = await pair(street, good)
    street.discovery.names("payments")
    await street.knows(there.caller, "payments", 0)
    assert await statuses(there, 3) == {503: 3}
    await street.logged(there.caller, 3)
    logged = there.caller.failures()
    assert {failure["flags"] for failure in logged} == {"UH"}
    assert max(int(failure["duration_ms"]) for failure in logged) < 250


async def test_c03_of_a_slow_instance_requests_time_out_elsewhere_and_it_rests(street: Street) -> None:
    there = await pair(street, slow, good, good, knobs={"timeout": "600ms"})
    assert await statuses(there, 30) == {200: 30}
    await street.shows(there.caller, r'outlier_detection_ejections_active\{.*"payments".*\} 1')
    before = len(there.apps[0].seen)
    assert await statuses(there, 10) == {200: 10}
    assert len(there.apps[0].seen) - before <= 3


async def test_c03_a_slow_instance_fails_a_post_at_the_timeout_and_no_later(street: Street) -> None:
    there = await pair(street, slow, knobs={"timeout": "300ms"})
    assert (await street.client.post(there.url)).status_code == 504
    await street.logged(there.caller, 1)
    assert (there.caller.failures()[0]["flags"], len(there.apps[0].seen)) == ("UT", 1)


async def test_when_every_instance_fails_at_least_half_of_them_stay(street: Street) -> None:
    there = await pair(street, failing, failing, failing, knobs={"retries": 0})
    assert await statuses(there, 90) == {503: 90}
    await street.shows(there.caller, r'outlier_detection_ejections_active\{.*"payments".*\} 1')
    assert len([app for app in there.apps if len(app.seen) > 10]) >= 2


async def test_c14_a_neighbour_whose_configuration_is_refused_costs_no_request(street: Street) -> None:
    there = await pair(street, good)
    broken = await street.launched("catalog", '{"static_resources": {"listeners": [{"name": 1}]}}', {})
    sent = [asyncio.create_task(street.client.get(there.url)) for _ in range(20)]
    assert await broken.process.wait() != 0
    assert {(await task).status_code for task in sent} == {200}
