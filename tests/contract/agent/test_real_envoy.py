"""The whole chain with a real Envoy: what Consul says is where requests go, whatever happens in between."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path

from outrider_agent import settings
from outrider_harness.agents import Agent, running_agent
from outrider_harness.asking import fetched
from outrider_harness.envoys import Envoy, running_envoy
from outrider_harness.scripted_consul import FakeConsul, entry, says
from outrider_harness.waiting import eventually
from support.hasty_agent import running_hasty_agent


def here(port: int, status: str = "passing", **service: object) -> dict[str, object]:
    return entry("127.0.0.1", port, status, **service)


def answerers(envoy: Envoy, requests: int = 20, upstream: str = "web") -> set[int]:
    """Ports that answered; every request must succeed."""
    answers = [envoy.get(upstream) for _ in range(requests)]
    assert {status for status, _ in answers} == {200}, answers
    return {int(body) for _, body in answers}


def gate(agent: Agent, directory: Path, patience: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-I", "-S", str(directory / "outrider-agent.pyz"), "gate", patience]
    return subprocess.run(command, env=agent.variables, capture_output=True, text=True, timeout=30, check=False)


def test_endpoints_appear_and_disappear(directory: Path, fake: FakeConsul, backends: list[int], envoy_bin: str) -> None:
    first, second, _ = backends
    fake.put("web", here(first))
    with running_agent(directory, fake.address, "web"), running_envoy(envoy_bin, directory, ["web"]) as envoy:
        assert answerers(envoy) == {first}
        fake.put("web", here(first), here(second))
        eventually(lambda: answerers(envoy) == {first, second})
        fake.put("web", here(second))
        eventually(lambda: answerers(envoy) == {second})
        assert envoy.stat("cluster.web.update_rejected") == 0


def test_a_warning_gets_less_traffic_and_all_of_it_when_nothing_healthier_is_left(
    directory: Path, fake: FakeConsul, backends: list[int], envoy_bin: str
) -> None:
    first, second, _ = backends
    fake.put("web", here(first), here(second, "warning"))
    with running_agent(directory, fake.address, "web"), running_envoy(envoy_bin, directory, ["web"]) as envoy:
        ports = [envoy.get("web")[1] for _ in range(60)]
        assert ports.count(str(first).encode()) > 30
        fake.put("web", here(second, "warning"))
        eventually(lambda: answerers(envoy) == {second})


def test_c01_an_instance_that_consul_calls_critical_is_left_alone(
    directory: Path, fake: FakeConsul, backends: list[int], envoy_bin: str
) -> None:
    critical, *others = backends
    fake.put("web", *(here(port) for port in backends))
    with running_agent(directory, fake.address, "web"), running_envoy(envoy_bin, directory, ["web"]) as envoy:
        eventually(lambda: answerers(envoy) == set(backends))
        fake.put("web", here(critical, "critical"), *map(here, others))
        eventually(lambda: len(envoy.endpoints("web")) == 2)
        assert answerers(envoy, 40) == set(others)


def test_c01_where_consul_calls_more_than_half_critical_all_are_asked(
    directory: Path, fake: FakeConsul, backends: list[int], envoy_bin: str
) -> None:
    """The agent leaves them in as degraded, and Envoy sends them what a third of the instances is not given."""
    healthy, *others = backends
    fake.put("web", *(here(port) for port in backends))
    with running_agent(directory, fake.address, "web"), running_envoy(envoy_bin, directory, ["web"]) as envoy:
        eventually(lambda: answerers(envoy) == set(backends))
        fake.put("web", here(healthy), *(here(port, "critical") for port in others))
        eventually(lambda: envoy.stat("cluster.web.membership_degraded") == 2)
        ports = [int(envoy.get("web")[1]) for _ in range(90)]
        assert set(ports) == set(backends)
        assert 25 <= ports.count(healthy) <= 60, "1.4 times its share of a third"


def test_a16_checks_that_all_turn_critical_at_once_lose_no_request(
    directory: Path, fake: FakeConsul, backends: list[int], envoy_bin: str
) -> None:
    fake.put("web", *(here(port) for port in backends))
    with running_agent(directory, fake.address, "web") as agent, running_envoy(envoy_bin, directory, ["web"]) as envoy:
        assert answerers(envoy, 30) == set(backends)
        fake.put("web", *(here(port, "critical") for port in backends))
        eventually(lambda: {one["health"] for one in agent.upstream("web")["endpoints"]} == {"DEGRADED"})
        assert answerers(envoy, 30) == set(backends)


def test_a23_agent_and_envoy_start_from_the_snapshot_while_consul_is_dead(
    directory: Path, fake: FakeConsul, backends: list[int], envoy_bin: str
) -> None:
    fake.put("web", here(backends[0]))
    with running_agent(directory, fake.address, "web") as agent:
        eventually(lambda: agent.upstream("web").get("endpoints"))
        eventually((directory / "snapshot.json").exists)
    with running_agent(directory, "127.0.0.1:1", "web") as agent, running_envoy(envoy_bin, directory, ["web"]) as envoy:
        assert answerers(envoy) == {backends[0]}
        assert gate(agent, directory, "5").returncode == 0


def test_a09_a_service_that_is_scaled_to_nothing_is_refused_quickly_after_the_hold_down(
    directory: Path, fake: FakeConsul, backends: list[int], envoy_bin: str
) -> None:
    """With a hold-down of 3 s; that it is 45 s is proven in tests/unit/agent/test_watch.py."""
    fake.put("web", here(backends[0]))
    fake.put("other", here(backends[1]))
    with (
        running_hasty_agent(directory, fake.address, "web", empty_hold=3.0) as agent,
        running_envoy(envoy_bin, directory, ["web"]) as envoy,
    ):
        assert answerers(envoy) == {backends[0]}
        fake.put("web")
        emptied = time.monotonic()
        eventually(lambda: agent.upstream("web")["state"] == "holding")
        assert answerers(envoy) == {backends[0]}
        eventually(lambda: envoy.get("web")[0] == 503, patience=30)
        assert time.monotonic() - emptied >= 2.9
        status, body = envoy.get("web")
        assert (status, b"no healthy upstream" in body) == (503, True)
        fake.put("web", here(backends[0]))
        eventually(lambda: envoy.get("web")[0] == 200)


def test_consul_that_forgets_every_service_loses_no_request(
    directory: Path, fake: FakeConsul, backends: list[int], envoy_bin: str
) -> None:
    """The hold-down itself, for ten minutes, is proven with a clock in tests/unit/agent/test_watch.py."""
    fake.put("web", here(backends[0]))
    with (
        running_hasty_agent(directory, fake.address, "web", empty_hold=3.0) as agent,
        running_envoy(envoy_bin, directory, ["web"]) as envoy,
    ):
        eventually(lambda: agent.upstream("web").get("endpoints"))
        fake.put("web")
        eventually(lambda: "forgotten every service" in agent.upstream("web")["reason"], patience=30)
        assert answerers(envoy, 50) == {backends[0]}


def test_envoys_own_view_stands_beside_the_agents(
    directory: Path, fake: FakeConsul, backends: list[int], envoy_bin: str
) -> None:
    fake.put("web", here(backends[0]))
    with running_agent(directory, fake.address, "web") as agent, running_envoy(envoy_bin, directory, ["web"]) as envoy:
        assert answerers(envoy) == {backends[0]}
        eventually(lambda: agent.upstream("web")["envoy"]["is_current"])
        view = agent.upstream("web")["envoy"]
        assert view["endpoints"] == [{"address": f"127.0.0.1:{backends[0]}", "health": "healthy"}]
        assert view["rejected_updates"] == 0


def test_b09_a_cluster_that_the_agent_does_not_know_harms_no_other(
    directory: Path, fake: FakeConsul, backends: list[int], envoy_bin: str
) -> None:
    fake.put("web", here(backends[0]))
    with (
        running_agent(directory, fake.address, "web") as agent,
        running_envoy(envoy_bin, directory, ["web", "unknown"]) as envoy,
    ):
        assert answerers(envoy) == {backends[0]}
        assert envoy.get("unknown")[0] == 503
        time.sleep(1.0)
        assert agent.metric("outrider_agent_polls_unknown_total ") <= 2


def test_the_gate_opens_when_traffic_can_flow(
    directory: Path, fake: FakeConsul, backends: list[int], envoy_bin: str
) -> None:
    fake.put("web", here(backends[0]))
    with running_agent(directory, fake.address, "web,absent") as agent, running_envoy(envoy_bin, directory, ["web"]):
        opened = gate(agent, directory, "10")
        assert opened.returncode == 0, opened.stderr


def test_the_gate_says_that_consul_is_not_there(directory: Path, envoy_bin: str) -> None:
    with running_agent(directory, "127.0.0.1:1", "web") as agent, running_envoy(envoy_bin, directory, ["web"]):
        closed = gate(agent, directory, "1")
        assert closed.returncode == 1
        assert "nothing is known of upstream web: connection refused" in closed.stderr


def test_the_gate_says_that_envoy_has_refused_its_configuration(directory: Path, fake: FakeConsul) -> None:
    with running_agent(directory, fake.address, "web") as agent:
        closed = gate(agent, directory, "1")
        assert closed.returncode == 1
        assert "its port may be taken or its configuration refused" in closed.stderr


def test_an_instance_whose_registration_is_gone_sends_its_callers_away_and_takes_them_back(
    directory: Path, fake: FakeConsul, envoy_bin: str
) -> None:
    me = says(200, {"ID": "me"}, x_consul_contenthash="abc")
    gone, others = says(404, "unknown service ID: me"), says(200, {"other": {"ID": "other"}, "me2": {}})
    fake.always(me, "/v1/agent/service/me")
    fake.always(others, "/v1/agent/services")
    with (
        running_agent(directory, fake.address, "", {settings.SERVICE_ID: "me"}) as agent,
        running_envoy(envoy_bin, directory, []) as envoy,
    ):
        eventually(lambda: "told Envoy /healthcheck/ok" in agent.output())
        fake.always(gone, "/v1/agent/service/me")
        eventually(lambda: fetched(envoy.admin, "/ready") == (503, b"DRAINING\n"))
        fake.always(me, "/v1/agent/service/me")
        eventually(lambda: fetched(envoy.admin, "/ready") == (200, b"LIVE\n"))


def test_an_instance_is_not_sent_away_by_a_consul_that_has_lost_everything(
    directory: Path, fake: FakeConsul, envoy_bin: str
) -> None:
    fake.always(says(200, {"ID": "me"}, x_consul_contenthash="abc"), "/v1/agent/service/me")
    with (
        running_agent(directory, fake.address, "", {settings.SERVICE_ID: "me"}) as agent,
        running_envoy(envoy_bin, directory, []) as envoy,
    ):
        eventually(lambda: "told Envoy /healthcheck/ok" in agent.output())
        fake.always(says(404, "unknown service ID: me"), "/v1/agent/service/me")
        fake.always(says(200, {}), "/v1/agent/services")
        time.sleep(3.0)
        assert fetched(envoy.admin, "/ready") == (200, b"LIVE\n")


def test_a_clean_end_takes_the_socket_along_and_leaves_a_whole_snapshot(
    directory: Path, fake: FakeConsul, envoy_bin: str
) -> None:
    fake.put("web", here(80))
    with running_agent(directory, fake.address, "web") as agent, running_envoy(envoy_bin, directory, ["web"]) as envoy:
        eventually(lambda: agent.metric("outrider_agent_polls_held ") == 1)
        cut = "cluster.discovery_agent.upstream_cx_destroy_remote_with_active_rq"
        before = envoy.stat(cut)
        assert agent.end() == 0
        # Polls that follow are refused, milliseconds later: what counts is that no held one was cut.
        assert envoy.stat(cut) == before, "a held poll was answered, not cut"
        assert not (directory / "agent.sock").exists()
        assert list(json.loads((directory / "snapshot.json").read_text())["upstreams"]) == ["web"]
