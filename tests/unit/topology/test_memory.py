"""Memory of the sidecar's tasks: what operators wrote, or what the upstreams take."""

from __future__ import annotations

from typing import Any

import pytest
from support.topologies import made_parts, resolved

from outrider.envoy.overload import most_connections
from outrider.nomad.write.job import job
from outrider.topology.memory import agent_mb, envoy_mb, is_full_at_rest
from outrider.topology.remarks import remarks

Json = dict[str, Any]


def upstreams(number: int, **knobs: object) -> Json:
    return {"upstreams": {f"upstream-{one}": knobs for one in range(number)}}


def tasks(number: int, platform: Json | None = None) -> dict[str, Json]:
    made = job(resolved(upstreams(number), platform), "{}")
    return {task["Name"]: task for task in made["TaskGroups"][0]["Tasks"]}


@pytest.mark.parametrize(("number", "memory"), [(0, 64), (12, 64), (13, 65), (120, 136), (500, 390)])
def test_the_default_grows_with_upstreams(number: int, memory: int) -> None:
    assert envoy_mb(None, ["http"] * number) == memory
    assert envoy_mb(96, ["http"] * number) == 96


def test_redis_takes_more_since_it_has_statistics_for_every_command() -> None:
    assert envoy_mb(None, ["redis"] * 12) == 64 + 43
    assert envoy_mb(None, ["redis"]) == 64


@pytest.mark.parametrize("number", [1, 12, 60, 120, 260, 500])
def test_an_envoy_of_the_default_memory_has_room_for_requests(number: int) -> None:
    for protocol in ("http", "redis"):
        assert not is_full_at_rest(envoy_mb(None, [protocol] * number), [protocol] * number)


def test_the_jobs_tasks_get_it() -> None:
    assert [tasks(120)[name]["Resources"]["MemoryMB"] for name in ("envoy", "agent", "gate")] == [136, 24, 24]
    assert [tasks(500)[name]["Resources"]["MemoryMB"] for name in ("envoy", "agent")] == [390, 43]
    assert agent_mb(32, 500) == 32


def test_an_agent_is_told_its_memory_and_connections_where_they_are_not_its_own_defaults() -> None:
    def bounds(found: dict[str, Json]) -> dict[str, str]:
        return {key: value for key, value in found["agent"]["Env"].items() if key.endswith(("MEMORY", "CONNECTIONS"))}

    assert bounds(tasks(3)) == {}
    written = {
        "consul": {"address": "http://c", "connections": 8},
        "sidecar": {"memory": {"agent": 48}},
    }
    assert bounds(tasks(3, written)) == {"OUTRIDER_AGENT_CONNECTIONS": "8", "OUTRIDER_AGENT_MEMORY": "48"}


def test_memory_that_upstreams_take_is_not_given_to_connections() -> None:
    assert most_connections(64, ["http"] * 12) == 640
    assert most_connections(envoy_mb(None, ["http"] * 120), ["http"] * 120) == 640
    assert most_connections(64, ["http"] * 120) == 160


def test_a_written_memory_that_is_full_before_the_first_request_is_told_with_numbers() -> None:
    written = {"sidecar": {"memory": {"envoy": 64}}}
    (line,) = [one for one in remarks(resolved(upstreams(120), written)) if "memory" in one]
    assert line.startswith("sidecar.memory.envoy is 64 MB, 44 of it for Envoy's heap, and with 120 upstreams")
    assert "55 MB before the first request" in line
    assert line.endswith("or write 136")
    assert not any("memory" in one for one in remarks(resolved(upstreams(12), written)))
    assert not any("memory" in one for one in remarks(resolved(upstreams(120))))


def test_upstreams_that_take_turns_are_told() -> None:
    (line,) = [one for one in remarks(resolved(upstreams(40))) if "turns" in one]
    assert line.startswith("40 upstreams take turns on 32 connections to Consul (consul.connections)")
    assert not any("turns" in one for one in remarks(resolved(upstreams(32))))


def test_the_defaults_written_out_are_no_other_version() -> None:
    said = {
        "sidecar": {"memory": {"envoy": 64, "agent": 24}},
        "consul": {"address": "http://127.0.0.1:8500", "connections": 32},
    }
    assert made_parts(upstreams(3), said) == made_parts(upstreams(3))
    for memory in ({"envoy": 65}, {"agent": 25}):
        assert made_parts(upstreams(3), {"sidecar": {"memory": memory}}).sidecar != made_parts(upstreams(3)).sidecar
    fewer = {"consul": {"address": "http://127.0.0.1:8500", "connections": 31}}
    assert made_parts(upstreams(3), fewer).sidecar != made_parts(upstreams(3)).sidecar


def test_the_agents_memory_grows_with_the_first_upstream_beyond_those_it_is_meant_for() -> None:
    assert (agent_mb(None, 120), agent_mb(None, 121)) == (24, 25)
