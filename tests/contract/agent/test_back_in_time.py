"""A new agent with an old snapshot beside an Envoy that knows better."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable
from pathlib import Path

import pytest
from outrider_harness.agents import Agent, running_agent
from outrider_harness.envoys import Document, Envoy, running_envoy
from outrider_harness.ports import free_ports
from outrider_harness.programs import short_directory
from outrider_harness.scripted_consul import Entry, FakeConsul, entry
from outrider_harness.waiting import eventually
from support.steady_load import steady_load

NOBODY = "127.0.0.1:1"


def here(port: int) -> Entry:
    return entry("127.0.0.1", port)


def is_known(envoy: Envoy, *ports: int) -> bool:
    return envoy.endpoints("web") == {f"127.0.0.1:{port}" for port in ports}


def snapshot(directory: Path) -> list[int]:
    """The ports in it."""
    return [row[1] for row in json.loads((directory / "snapshot.json").read_text())["upstreams"]["web"]]


def killed_before_it_wrote(directory: Path, fake: FakeConsul, agent: Agent, envoy: Envoy, old: int, new: int) -> None:
    """The agent has given Envoy what is not on disk yet, which takes 2 to 4 s."""
    eventually(lambda: (directory / "snapshot.json").exists() and snapshot(directory) == [old])
    fake.put("web", here(new))
    eventually(lambda: is_known(envoy, new))
    agent.end(at_once=True)
    assert snapshot(directory) == [old]


def test_a_new_agent_does_not_send_envoy_back_in_time_while_consul_is_down(
    directory: Path, backends: list[int], envoy_bin: str
) -> None:
    """The old instances are gone; Consul comes back with a third list, and that is followed."""
    old, port = free_ports(2)
    new, third, _ = backends
    fake = FakeConsul()
    fake.put("web", here(old))
    with contextlib.ExitStack() as stack:
        with fake.running(port):
            agent = stack.enter_context(running_agent(directory, fake.address, "web"))
            envoy = stack.enter_context(running_envoy(envoy_bin, directory, ["web"]))
            killed_before_it_wrote(directory, fake, agent, envoy, old, new)
        agent = stack.enter_context(running_agent(directory, fake.address, "web"))
        eventually(lambda: agent.metric("outrider_agent_polls_held ") == 1)
        with steady_load(envoy.egress["web"]) as account:
            eventually(lambda: agent.upstream("web")["state"] == "failing")
            eventually(lambda: agent.metric('outrider_agent_failures_total{upstream="web"}') >= 3)
            assert is_known(envoy, new)
            again = FakeConsul()
            again.put("web", here(new), here(third))
            with again.running(port):
                eventually(lambda: is_known(envoy, new, third))
        assert account.failed == {}


def absolute(path: Path) -> Callable[[Document], None]:
    """An Envoy with a directory of its own that asks the agent of another one."""

    def shape(document: Document) -> None:
        clusters = document["static_resources"]["clusters"]
        cluster = next(one for one in clusters if one["name"] == "discovery_agent")
        endpoint = cluster["load_assignment"]["endpoints"][0]["lb_endpoints"][0]["endpoint"]
        endpoint["address"]["pipe"]["path"] = str(path / "agent.sock")

    return shape


def test_an_envoy_that_starts_anew_has_the_snapshot_while_the_other_keeps_what_it_has(
    directory: Path, backends: list[int], envoy_bin: str
) -> None:
    old, new, _ = backends
    fake = FakeConsul()
    fake.put("web", here(old))
    with short_directory() as other, contextlib.ExitStack() as stack:
        with fake.running():
            agent = stack.enter_context(running_agent(directory, fake.address, "web"))
            envoy = stack.enter_context(running_envoy(envoy_bin, directory, ["web"]))
            killed_before_it_wrote(directory, fake, agent, envoy, old, new)
        with (
            running_agent(directory, NOBODY, "web") as agent,
            running_envoy(envoy_bin, other, ["web"], absolute(directory)) as fresh,
        ):
            eventually(lambda: is_known(fresh, old))
            eventually(lambda: agent.metric("outrider_agent_polls_held ") == 1)  # of one name: the two take turns
            assert is_known(envoy, new)
            assert fresh.get("web") == (200, str(old).encode())


def test_a_new_agent_that_finds_consul_up_does_not_bring_old_instances_back_for_a_moment(
    directory: Path, fake: FakeConsul, backends: list[int], envoy_bin: str
) -> None:
    """More than half of the snapshot's instances have vanished, so that the first list is read twice."""
    old, new = free_ports(3), backends[0]
    fake.put("web", *map(here, old))
    with running_agent(directory, fake.address, "web") as agent, running_envoy(envoy_bin, directory, ["web"]) as envoy:
        eventually(lambda: (directory / "snapshot.json").exists() and len(snapshot(directory)) == 3)
        fake.put("web", here(new))
        eventually(lambda: is_known(envoy, new))
        agent.end(at_once=True)
        updates = envoy.stat("cluster.web.update_success")
        with running_agent(directory, fake.address, "web") as another:
            eventually(lambda: another.upstream("web")["state"] == "current")
            eventually(lambda: another.metric("outrider_agent_polls_held ") == 1)
            assert is_known(envoy, new)
            assert envoy.stat("cluster.web.update_success") == updates


def test_envoy_goes_back_to_what_the_snapshot_says_where_consul_says_the_same(
    directory: Path, fake: FakeConsul, backends: list[int], envoy_bin: str
) -> None:
    """The change was undone while no agent ran: to the new one nothing has changed, to Envoy something has."""
    old, new, _ = backends
    fake.put("web", here(old))
    with running_agent(directory, fake.address, "web") as agent, running_envoy(envoy_bin, directory, ["web"]) as envoy:
        killed_before_it_wrote(directory, fake, agent, envoy, old, new)
        fake.put("web", here(old))
        with running_agent(directory, fake.address, "web"):
            eventually(lambda: is_known(envoy, old))


IMPOSSIBLE = ["null", "{}", '[["127.0.0.1",0,"HEALTHY",1,false,""]]', '[["web",80,"HEALTHY",1,false,""]]', "[1]"]


@pytest.mark.parametrize("rows", IMPOSSIBLE)
def test_null_and_what_is_impossible_in_a_snapshot_takes_nothing_from_an_envoy_that_starts(
    directory: Path, backends: list[int], envoy_bin: str, rows: str
) -> None:
    """As "no endpoints" it would be 503 at once; so the first poll waits for Consul, and is answered by it."""
    (directory / "snapshot.json").write_text(f'{{"format":1,"saved_at":1.0,"upstreams":{{"web":{rows}}}}}')
    (port,) = free_ports(1)
    with running_agent(directory, f"127.0.0.1:{port}", "web") as agent:
        assert "cannot be used" in agent.output()
        assert agent.upstream("web")["endpoints"] is None
        with running_envoy(envoy_bin, directory, ["web"]) as envoy:
            fake = FakeConsul()
            fake.put("web", here(backends[0]))
            with fake.running(port):
                eventually(lambda: is_known(envoy, backends[0]))
