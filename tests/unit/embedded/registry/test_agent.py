"""The agent of the machine on a clock of the test's own: expiry, reaping, and what reaches the catalog."""

from __future__ import annotations

import json
from typing import Any

import pytest
from outrider_embedded.registry.registration import registration
from outrider_embedded.registry.state import Registry, identity


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def registry(clock: Clock) -> Registry:
    return Registry(identity("node-1"), clock)


def _register(registry: Registry, **fields: Any) -> None:
    registry.agent.register(registration(json.dumps(fields).encode()), replace_existing=False)


def test_a_ttl_check_without_a_sign_of_life_turns_critical_and_keeps_its_last_words(
    registry: Registry, clock: Clock
) -> None:
    _register(registry, Name="web", Check={"CheckID": "c", "TTL": "10s"})
    registry.agent.beat("c", "passing", "fine")
    clock.now += 9
    registry.agent.expire()
    assert registry.agent.checks["c"].status == "passing"
    clock.now += 2
    registry.agent.expire()
    check = registry.agent.checks["c"]
    assert (check.status, check.output) == ("critical", "TTL expired (last output before timeout follows): fine")


def test_a_sign_of_life_starts_the_time_anew(registry: Registry, clock: Clock) -> None:
    _register(registry, Name="web", Check={"CheckID": "c", "TTL": "10s"})
    for _ in range(5):
        clock.now += 9
        registry.agent.beat("c", "passing", "")
        registry.agent.expire()
    assert registry.agent.checks["c"].status == "passing"
    assert registry.agent.deadlines.next() == clock.now + 10


def test_an_instance_critical_for_too_long_is_taken_out(registry: Registry, clock: Clock) -> None:
    check = {"CheckID": "c", "TTL": "10m", "Status": "passing", "DeregisterCriticalServiceAfter": "1s"}
    _register(registry, Name="web", Check=check)
    registry.agent.beat("c", "critical", "down")
    clock.now += 30
    registry.agent.beat("c", "critical", "still down")
    clock.now += 31
    registry.agent.expire()
    assert registry.agent.instances == {}, "a minute is the least that Consul waits, counted from the first failure"
    assert registry.catalog.instances("web") == []


def test_an_instance_that_recovers_is_not_taken_out(registry: Registry, clock: Clock) -> None:
    check = {"CheckID": "c", "TTL": "10m", "DeregisterCriticalServiceAfter": "1m"}
    _register(registry, Name="web", Check=check)
    clock.now += 59
    registry.agent.beat("c", "warning", "")
    clock.now += 59
    registry.agent.expire()
    assert "web" in registry.agent.instances


def test_the_catalog_learns_words_only_together_with_a_status(registry: Registry) -> None:
    _register(registry, Name="web", Check={"CheckID": "c", "TTL": "10s", "Status": "passing"})
    registry.agent.beat("c", "passing", "hello")
    (_, row) = registry.catalog.checks_of("node-1", "web")
    assert row.value.output == ""
    registry.agent.beat("c", "warning", "slow")
    (_, row) = registry.catalog.checks_of("node-1", "web")
    assert (row.value.status, row.value.output) == ("warning", "slow")


def test_a_service_that_changes_its_name_leaves_nothing_behind(registry: Registry) -> None:
    _register(registry, ID="x", Name="old", Check={"TTL": "10s"})
    _register(registry, ID="x", Name="new", Check={"TTL": "10s"})
    assert registry.catalog.names() == ["consul", "new"]
    assert {row.value.service_name for row in registry.catalog.checks() if row.value.service_id} == {"new"}
    registry.agent.deregister("x")
    assert registry.catalog.names() == ["consul"]
    assert [row.value.id for row in registry.catalog.checks()] == ["serfHealth"]
    assert registry.agent.checks == {}
    assert registry.agent.deadlines.next() is None
