"""When held queries are answered: the rules that the agent's watch depends on."""

from __future__ import annotations

import asyncio

import pytest
from support.consul_calls import ConsulCalls, is_woken, woken

TTL = {"CheckID": "web:ttl", "Name": "ttl", "TTL": "1h"}


async def test_without_an_index_or_with_a_low_one_the_answer_comes_at_once(consul: ConsulCalls) -> None:
    await consul.register("web", Port=1)
    for query in ("", "?index=0&wait=30s", "?index=1&wait=30s"):
        answer = await asyncio.wait_for(consul.get(f"/v1/health/service/web{query}"), 10)
        assert len(answer.json()) == 1


async def test_a_wait_that_runs_out_answers_with_the_same_index(consul: ConsulCalls) -> None:
    await consul.register("web", Port=1)
    index = await consul.index("/v1/health/service/web")
    answer = await woken(await consul.held("/v1/health/service/web", wait="1s"))
    assert int(answer.headers["X-Consul-Index"]) == index


async def test_what_happens_to_other_services_wakes_only_the_list_of_services(consul: ConsulCalls) -> None:
    await consul.register("web", Port=1)
    web = await consul.held("/v1/health/service/web")
    names = await consul.held("/v1/catalog/services")
    await consul.register("other", Port=2)
    assert "other" in (await woken(names)).json()
    names = await consul.held("/v1/catalog/services")
    await consul.deregister("other")
    assert "other" not in (await woken(names)).json()
    assert not await is_woken(web)


async def test_before_any_service_has_ended_an_unknown_one_is_woken_by_any_registration(consul: ConsulCalls) -> None:
    unknown = await consul.held("/v1/health/service/nothing")
    await consul.register("web", Port=1)
    assert (await woken(unknown)).json() == []


async def test_an_unknown_service_is_woken_by_the_end_of_another_and_by_itself(consul: ConsulCalls) -> None:
    await consul.register("one", Port=1)
    await consul.register("two", Port=2)
    await consul.deregister("one")
    await consul.until("/v1/catalog/services", lambda found: "one" not in found)
    unknown = await consul.held("/v1/health/service/nothing")
    await consul.register("three", Port=3)
    assert not await is_woken(unknown)
    unknown = await consul.held("/v1/health/service/nothing")
    await consul.deregister("two")
    assert (await woken(unknown)).json() == []
    unknown = await consul.held("/v1/health/service/nothing")
    await consul.register("nothing", Port=4)
    assert len((await woken(unknown)).json()) == 1


@pytest.mark.parametrize(
    "change",
    [{"Meta": {"version": "2"}}, {"Tags": ["blue"]}, {"Weights": {"Passing": 5, "Warning": 1}}, {"Port": 2}],
)
async def test_a_changed_registration_wakes(consul: ConsulCalls, change: dict[str, object]) -> None:
    await consul.register("web", Port=1)
    held = await consul.held("/v1/health/service/web")
    await consul.put("/v1/agent/service/register", {"Name": "web", "Port": 1} | change)
    service = (await woken(held)).json()[0]["Service"]
    assert {key: service[key] for key in change} == change


async def test_the_same_registration_again_wakes_nobody(consul: ConsulCalls) -> None:
    await consul.register("web", Port=1, Checks=[TTL], Meta={"a": "b"})
    held = await consul.held("/v1/health/service/web")
    await consul.register("web", Port=1, Checks=[TTL], Meta={"a": "b"})
    assert not await is_woken(held)


async def test_a_check_that_changes_its_status_wakes_and_one_that_changes_its_words_does_not(
    consul: ConsulCalls,
) -> None:
    await consul.register("web", Port=1, Checks=[TTL])
    held = await consul.held("/v1/health/service/web")
    await consul.put("/v1/agent/check/pass/web:ttl?note=fine")
    checks = (await woken(held)).json()[0]["Checks"]
    assert [(check["Status"], check["Output"]) for check in checks if check["CheckID"] == "web:ttl"] == [
        ("passing", "fine"),
    ]
    held = await consul.held("/v1/health/service/web")
    await consul.put("/v1/agent/check/pass/web:ttl?note=splendid")
    assert not await is_woken(held)
    local = (await consul.get("/v1/agent/checks")).json()
    assert local["web:ttl"]["Output"] == "splendid"


async def test_passing_queries_are_woken_by_what_they_do_not_show(consul: ConsulCalls) -> None:
    await consul.register("web", Port=1, Checks=[TTL])
    await consul.put("/v1/agent/check/warn/web:ttl")
    await consul.until("/v1/health/checks/web", lambda found: found[0]["Status"] == "warning")
    held = await consul.held("/v1/health/service/web?passing=1")
    await consul.put("/v1/agent/check/fail/web:ttl")
    assert (await woken(held)).json() == []


async def test_deregistering_wakes_and_empties(consul: ConsulCalls) -> None:
    await consul.register("web", Port=1)
    held = await consul.held("/v1/health/service/web")
    await consul.deregister("web")
    answer = await woken(held)
    assert answer.json() == []
    assert int(answer.headers["X-Consul-Index"]) == await consul.index("/v1/health/service/nothing")


async def test_an_index_above_the_servers_own_misses_a_change(consul: ConsulCalls) -> None:
    await consul.register("web", Port=1)
    held = await consul.held("/v1/health/service/web", index=1_000_000)
    await consul.register("web", Port=2)
    assert not await is_woken(held)


async def test_a_check_of_the_node_wakes_all_its_services(consul: ConsulCalls) -> None:
    await consul.register("web", Port=1)
    held = await consul.held("/v1/health/service/web")
    await consul.put("/v1/agent/check/register", {"Name": "disk", "TTL": "1h"})
    assert "disk" in [check["CheckID"] for check in (await woken(held)).json()[0]["Checks"]]


async def test_queries_on_checks_nodes_and_keys_are_held_too(consul: ConsulCalls) -> None:
    await consul.register("web", Port=1, Checks=[TTL])
    critical = await consul.held("/v1/health/state/critical")
    checks = await consul.held("/v1/health/checks/web")
    await consul.put("/v1/agent/check/pass/web:ttl")
    assert (await woken(critical)).json() == []
    assert (await woken(checks)).json()[0]["Status"] == "passing"
    nodes = await consul.held("/v1/catalog/nodes")
    await consul.put("/v1/catalog/register", {"Node": "db", "Address": "10.0.0.9"})
    assert {"db", "node-1"} == {node["Node"] for node in (await woken(nodes)).json()}


async def test_an_instance_is_watched_by_its_hash(consul: ConsulCalls) -> None:
    await consul.register("web", Port=1)
    known = (await consul.get("/v1/agent/service/web")).json()["ContentHash"]
    held = asyncio.create_task(consul.get(f"/v1/agent/service/web?hash={known}&wait=30s"))
    await asyncio.sleep(0.2)
    assert not held.done()
    await consul.register("web", Port=2)
    answer = await woken(held)
    assert answer.json()["Port"] == 2
    assert answer.headers["X-Consul-ContentHash"] != known
