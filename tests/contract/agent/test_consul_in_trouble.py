"""The agent's process between a Consul that loses, lags, or mixes up, and an Envoy under load."""

from __future__ import annotations

import time
from pathlib import Path

from outrider_agent import settings
from outrider_harness.agents import Agent, running_agent
from outrider_harness.envoys import Envoy, running_envoy
from outrider_harness.scripted_consul import Entry, FakeConsul, entry, in_turn, says
from outrider_harness.waiting import eventually
from support.hasty_agent import running_hasty_agent
from support.steady_load import steady_load


def here(port: int, status: str = "passing") -> Entry:
    return entry("127.0.0.1", port, status)


def ports(agent: Agent, label: str = "web") -> set[int]:
    return {one["port"] for one in agent.upstream(label).get("endpoints") or ()}


def updates(agent: Agent) -> float:
    return agent.metric('outrider_agent_updates_total{upstream="web"}')


def has(envoy: Envoy, *ports: int) -> bool:
    return envoy.endpoints("web") == {f"127.0.0.1:{port}" for port in ports}


def test_a_client_that_deregisters_everything_one_by_one_costs_no_request(
    directory: Path, fake: FakeConsul, backends: list[int], envoy_bin: str
) -> None:
    """Others are known all the time; Nomad registers anew after 12 s, when the hold-down of old would have been over."""
    fake.put("other", here(1))
    fake.put("web", *map(here, backends))
    with running_agent(directory, fake.address, "web") as agent, running_envoy(envoy_bin, directory, ["web"]) as envoy:
        eventually(lambda: has(envoy, *backends))
        with steady_load(envoy.egress["web"]) as account:
            for left in (2, 1):
                fake.put("web", *map(here, backends[:left]))
                eventually(lambda left=left: has(envoy, *backends[:left]), patience=2)
            fake.put("web")
            eventually(lambda: has(envoy, *backends), patience=2)
            time.sleep(12.0)
            assert (has(envoy, *backends), agent.upstream("web")["state"]) == (True, "holding")
            fake.put("web", here(backends[1]))
            eventually(lambda: has(envoy, backends[1]), patience=2)
            fake.put("web", *map(here, backends))
            eventually(lambda: has(envoy, *backends), patience=2)
        assert account.failed == {}


def test_losses_and_the_index_outlive_a_restart_of_the_agent(directory: Path, fake: FakeConsul) -> None:
    fake.put("web", here(1), here(2), index=1000)
    with running_agent(directory, fake.address, "web") as agent:
        eventually(lambda: ports(agent) == {1, 2})
        fake.put("web", here(1))
        eventually(lambda: ports(agent) == {1})
        eventually(lambda: '"heard":1001' in written(directory))
        agent.end(at_once=True)
    fake.always(says(200, [here(2)], x_consul_index="990"), "/v1/health")
    with running_agent(directory, fake.address, "web") as agent:
        eventually(lambda: agent.upstream("web")["state"] == "stale", patience=3)
        assert ports(agent) == {1}, "the answer of a server that lags behind what the predecessor heard"
        fake.put("web")
        fake.always(None, "/v1/health")
        eventually(lambda: ports(agent) == {1, 2}, patience=5)


def written(directory: Path) -> str:
    found = directory / "snapshot.json"
    return found.read_text() if found.exists() else ""


def test_where_nothing_guards_an_address_what_left_before_does_not_come_back(directory: Path, fake: FakeConsul) -> None:
    fake.put("ledger", here(1), here(2))
    with running_agent(directory, fake.address, "ledger", {settings.UNGUARDED: "ledger"}) as agent:
        eventually(lambda: ports(agent, "ledger") == {1, 2})
        fake.put("ledger", here(1))
        eventually(lambda: ports(agent, "ledger") == {1})
        fake.put("ledger")
        eventually(lambda: agent.upstream("ledger")["state"] == "holding")
        assert ports(agent, "ledger") == {1}


def test_dead_instances_leave_while_a_healthy_one_is_there(
    directory: Path, fake: FakeConsul, backends: list[int], envoy_bin: str
) -> None:
    """With 2 s beside a healthy one instead of 60."""
    fake.put("web", *map(here, backends))
    with (
        running_hasty_agent(directory, fake.address, "web", critical_stay=2.0),
        running_envoy(envoy_bin, directory, ["web"]) as envoy,
    ):
        eventually(lambda: has(envoy, *backends))
        fake.put("web", here(backends[0]), here(backends[1], "critical"), here(backends[2], "critical"))
        time.sleep(1.0)
        assert has(envoy, *backends)
        eventually(lambda: has(envoy, backends[0]), patience=5)


def test_another_services_instances_get_no_request(
    directory: Path, fake: FakeConsul, backends: list[int], envoy_bin: str
) -> None:
    own, others, _ = backends
    fake.put("web", here(own))
    fake.put("Web", here(others))
    with running_agent(directory, fake.address, "web") as agent, running_envoy(envoy_bin, directory, ["web"]) as envoy:
        eventually(lambda: envoy.get("web")[0] == 200)
        assert {envoy.get("web")[1] for _ in range(20)} == {str(own).encode()}
        assert "1 instances are of 'Web'" in agent.upstream("web")["reason"]
        assert agent.metric('outrider_agent_upstream_foreign_instances{upstream="web"}') == 1
        fake.put("WEB", here(others))
        eventually(lambda: "'WEB', 'Web'" in agent.output())
        fake.put("web", here(own, "warning"))
        eventually(lambda: agent.upstream("web")["endpoints"][0]["health"] == "DEGRADED")
        assert agent.output().count("are left out") == 2


def test_answers_of_three_servers_in_turn_change_the_membership_once_for_each(
    directory: Path, fake: FakeConsul
) -> None:
    one, two, three = here(1), here(2), here(3)
    lists = {100: [one, two, three], 97: [one, two], 103: [one]}
    fake.always(in_turn(*(says(200, found, x_consul_index=str(index)) for index, found in lists.items())), "/v1/health")
    with running_agent(directory, fake.address, "web") as agent:
        eventually(lambda: ports(agent) == {1})
        settled = updates(agent)
        time.sleep(10.0)
        assert (ports(agent), updates(agent)) == ({1}, settled)
        assert settled <= 3
        assert len(fake.queries()) < 130


def test_a_server_out_of_touch_is_not_believed_while_others_know_more(directory: Path, fake: FakeConsul) -> None:
    both = says(200, [here(1), here(2)], x_consul_index="50")
    old = says(200, [here(1)], x_consul_index="50", x_consul_lastcontact="60000")
    fake.always(in_turn(both, both, both, old), "/v1/health")
    with running_agent(directory, fake.address, "web") as agent:
        eventually(lambda: ports(agent) == {1, 2})
        time.sleep(8.0)
        assert (ports(agent), updates(agent)) == ({1, 2}, 1)
        fake.always(old, "/v1/health")
        eventually(lambda: ports(agent) == {1}, patience=20)
