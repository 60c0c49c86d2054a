"""Which instances are asked: the healthy ones, the quick ones, and all of them when too few are left."""

from __future__ import annotations

import asyncio
from collections import Counter

import pytest
from outrider_harness.ports import free_port
from outrider_harness.waiting import until
from support.http_app import Request
from support.street import DEADLINE_S, Pair, Street, pair
from support.topologies import Json, resolved

from outrider.topology.topology import Topology


async def good(request: Request) -> tuple[int, bytes]:
    return 200, b"good"


async def failing(request: Request) -> tuple[int, bytes]:
    return 503, b""


async def slow(request: Request) -> tuple[int, bytes]:
    await asyncio.sleep(2)
    return 200, b"slow"


async def statuses(there: Pair, requests: int) -> Counter[int]:
    return Counter([(await there.street.client.get(there.url)).status_code for _ in range(requests)])


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


REFUSED: dict[str, Json] = {
    "a value that Envoy does not know": {"clusters": {"local_app": {"lb_policy": "NONE"}}},
    "a field that Envoy does not have": {"clusters": {"local_app": {"surprise": True}}},
    "a timeout below nothing": {"clusters": {"local_app": {"connect_timeout": "-1s"}}},
    "a port that a neighbour has": {},
}


def patched(patch: Json) -> Topology:
    """A service whose own bootstrap operators have patched so."""
    environment = {"patches": {"wrong": {"merge": {"static_resources": patch}}}}
    return resolved({"service": "catalog", "port": 8080, "patches": ["wrong"]}, environment)


@pytest.mark.parametrize("case", REFUSED)
async def test_c14_a_service_whose_own_configuration_is_refused_costs_its_neighbours_no_request_and_no_restart(
    street: Street, case: str
) -> None:
    """It is started three times, as Nomad does, while its neighbours are called."""
    there = await pair(street, good, good)
    app = await street.app(good)
    ingress = free_port() if REFUSED[case] else there.callees[0].ports["ingress"]
    made, ports = patched(REFUSED[case]), {"ingress": ingress, "metrics": free_port(), "app": app.port}
    stop, account = asyncio.Event(), Counter[int]()
    load = asyncio.create_task(asked_until(stop, there, account))
    for _ in range(3):
        wrong = await street.started(made, ports)
        assert await asyncio.wait_for(wrong.process.wait(), DEADLINE_S) != 0, wrong.log.read_text()
        before = account.total()
        await until(lambda before=before: more_than(account, before + 20))
    stop.set()
    await load
    assert set(account) == {200}
    assert [one.process.returncode for one in (there.caller, *there.callees)] == [None, None, None]
    assert app.seen == []


async def asked_until(stop: asyncio.Event, there: Pair, account: Counter[int]) -> None:
    """One request after the other, each over a connection of its own."""
    while not stop.is_set():
        account.update([(await there.street.client.get(there.url, headers={"connection": "close"})).status_code])


async def more_than(account: Counter[int], requests: int) -> bool:
    return account.total() > requests
