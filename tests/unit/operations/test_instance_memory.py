"""Plan says when Consul lists more instances of the upstreams than the sidecar's memory takes."""

from __future__ import annotations

import pytest
from support.topologies import resolved

from outrider.operations.change.instance_memory import warnings
from outrider.topology.memory import agent_needs_mb, envoy_needs_mb, instances_taken
from outrider.topology.sidecar import Sidecar


def sidecar(**memory: int) -> Sidecar:
    found = resolved({"upstreams": {"web": {}}}, {"sidecar": {"memory": memory}} if memory else None).sidecar
    assert found is not None
    return found


@pytest.mark.parametrize("instances", [0, 120, 2_000])
def test_what_the_defaults_take_is_not_told(instances: int) -> None:
    assert warnings(sidecar(), instances) == ()


def test_an_agent_of_the_default_memory_takes_five_thousand_instances() -> None:
    assert 5_000 < instances_taken(24) < 6_000
    assert not any("agent" in line for line in warnings(sidecar(), 5_000))


def test_more_instances_than_the_agents_memory_takes_are_told_with_what_to_write() -> None:
    (line,) = warnings(sidecar(envoy=512), 10_000)
    assert line.startswith("the upstreams have 10000 instances in Consul, and an agent of 24 MB takes 5242")
    needed = agent_needs_mb(10_000)
    assert line.endswith(f"sidecar.memory.agent in the platform file should be {needed} at least")
    assert warnings(sidecar(envoy=512, agent=needed), 10_000) == ()


def test_more_endpoints_than_envoys_memory_takes_are_told_with_what_to_write() -> None:
    (line,) = warnings(sidecar(agent=64), 8_000)
    needed = envoy_needs_mb(["http"], 8_000)
    assert line.endswith(f"sidecar.memory.envoy in the platform file should be {needed} at least")
    assert warnings(sidecar(agent=64, envoy=needed), 8_000) == ()
