"""A token that sees nothing must not look like an empty mesh: a real Consul that denies by default, and what the agent says."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Generator
from pathlib import Path

import pytest
from outrider_agent import settings
from outrider_harness.agents import Agent, running_agent
from outrider_harness.asking import fetched
from outrider_harness.consuls import running_consul
from outrider_harness.envoys import running_envoy
from outrider_harness.ports import free_ports
from outrider_harness.scripted_consul import FakeConsul, entry, hang, reset, says
from outrider_harness.waiting import eventually
from support.closed_consul import NODES, SERVICES, ClosedConsul, closed_consul

from outrider.clients.agent_archive import FILENAME
from outrider.topology import names

OWN = names.own_instance("shop-web", names.INGRESS).replace("${NOMAD_ALLOC_ID}", "5e7c0a9e-0000-4000-8000-00000000000a")
OWN_ID = {settings.SERVICE_ID: OWN}


@pytest.fixture
def closed(directory: Path, consul_bin: str) -> Generator[ClosedConsul]:
    """It knows this allocation's registration, and an upstream's."""
    with closed_consul(consul_bin, directory) as consul:
        consul.register("shop-web", OWN, 1)
        consul.register("payments", "payments-1", 2)
        yield consul


def gate(agent: Agent, directory: Path, patience: int = 1) -> tuple[int, str]:
    """The verb beside this agent: its exit code, and what the task's log would hold."""
    command = [sys.executable, "-I", "-S", str(directory / FILENAME), "gate", str(patience)]
    done = subprocess.run(command, env=agent.variables, cwd=directory, capture_output=True, text=True, check=False)
    return done.returncode, done.stderr


def is_denied(agent: Agent, label: str = "payments") -> bool:
    return agent.upstream(label).get("state") == "denied"


@pytest.mark.needs("consul")
def test_a_token_that_sees_nothing_must_not_look_like_an_empty_mesh(
    directory: Path, closed: ClosedConsul, envoy_bin: str
) -> None:
    with (
        running_agent(directory, closed.address, "payments,absent", OWN_ID) as agent,
        running_envoy(envoy_bin, directory, ["payments"]),
    ):
        eventually(lambda: is_denied(agent) and is_denied(agent, "absent"))
        assert fetched(agent.address, "/health")[0] == 503
        assert agent.upstream("payments")["endpoints"] is None
        code, words = gate(agent, directory)
        assert code == 1
        assert "nothing is known of upstream payments, absent" in words
        assert OWN in words
        assert "no token is set (consul.token: none)" in words
        assert SERVICES in words
        assert NODES in words
        assert "the token may not read services" in words
        assert f"payments: denied Consul answers, but does not show this allocation's own registration {OWN}" in (
            agent.output()
        )
        assert agent.metric('outrider_agent_upstream_state{upstream="payments",state="denied"}') == 1


@pytest.mark.needs("consul")
@pytest.mark.parametrize(
    ("rules", "words"),
    [
        ((SERVICES,), "the token may read services, but not their nodes"),
        ((NODES,), "the token may not read services"),
        ((), "the token may not read services"),
    ],
)
def test_each_right_that_a_token_lacks_is_told(
    directory: Path, closed: ClosedConsul, rules: tuple[str, ...], words: str
) -> None:
    more = {**OWN_ID, settings.CONSUL_TOKEN: closed.token(*rules)}
    with running_agent(directory, closed.address, "payments", more) as agent:
        eventually(lambda: is_denied(agent))
        assert words in agent.upstream("payments")["reason"]
        assert f"the token is that of {settings.CONSUL_TOKEN}" in agent.upstream("payments")["reason"]
        assert gate(agent, directory)[0] == 1


@pytest.mark.needs("consul")
def test_the_documented_rights_are_enough_and_a_missing_upstream_is_then_a_true_empty(
    directory: Path, closed: ClosedConsul, envoy_bin: str
) -> None:
    more = {**OWN_ID, settings.CONSUL_TOKEN: closed.token(SERVICES, NODES)}
    with (
        running_agent(directory, closed.address, "payments,absent", more) as agent,
        running_envoy(envoy_bin, directory, ["payments"]),
    ):
        eventually(lambda: {one["state"] for one in agent.document()["upstreams"].values()} == {"current"})
        assert [one["port"] for one in agent.upstream("payments")["endpoints"]] == [2]
        assert agent.upstream("absent")["endpoints"] == []
        eventually(lambda: gate(agent, directory)[0] == 0)


@pytest.mark.needs("consul")
def test_rights_that_are_granted_later_are_used_without_a_restart(directory: Path, closed: ClosedConsul) -> None:
    policy = closed.policy(SERVICES)
    token = closed.asked("PUT", "/v1/acl/token", {"Policies": [{"ID": policy}]})["SecretID"]
    with running_agent(directory, closed.address, "payments", {**OWN_ID, settings.CONSUL_TOKEN: token}) as agent:
        eventually(lambda: is_denied(agent))
        closed.change(policy, SERVICES, NODES)
        eventually(lambda: agent.upstream("payments")["state"] == "current", patience=60)  # Consul keeps policies 30 s
        assert fetched(agent.address, "/health")[0] == 200


@pytest.mark.needs("consul")
def test_a_token_file_that_comes_later_is_used_without_a_restart(directory: Path, closed: ClosedConsul) -> None:
    file = directory / "token"
    with running_agent(
        directory, closed.address, "payments,absent", {**OWN_ID, settings.CONSUL_TOKEN_FILE: str(file)}
    ) as agent:
        eventually(lambda: is_denied(agent) and is_denied(agent, "absent"))
        assert f"the token is that of {file}" in agent.upstream("payments")["reason"]
        file.write_text(closed.token(SERVICES, NODES))
        eventually(lambda: {one["state"] for one in agent.document()["upstreams"].values()} == {"current"})


@pytest.mark.needs("consul")
def test_rights_that_are_taken_away_keep_the_last_good_endpoints_and_are_named(
    directory: Path, closed: ClosedConsul
) -> None:
    file = directory / "token"
    file.write_text(closed.token(SERVICES, NODES))
    with running_agent(
        directory, closed.address, "payments", {**OWN_ID, settings.CONSUL_TOKEN_FILE: str(file)}
    ) as agent:
        eventually(lambda: agent.upstream("payments").get("endpoints"))
        file.write_text(closed.token(SERVICES))
        for number in range(2, 6):  # each ends a query that blocks, the first of them still with the old token
            closed.register("payments", f"payments-{number}", number)
            time.sleep(1.0)
        eventually(lambda: is_denied(agent))
        assert len(agent.upstream("payments")["endpoints"]) >= 2
        assert "not their nodes" in agent.upstream("payments")["reason"]
        assert fetched(agent.address, "/health")[0] == 200


@pytest.mark.needs("consul")
def test_a_consul_without_acls_shows_the_registration_and_a_gate_waits_for_nothing_else(
    directory: Path, consul_bin: str, envoy_bin: str
) -> None:
    with (
        running_consul(consul_bin, directory) as consul,
        running_agent(directory, consul, "absent", OWN_ID) as agent,
        running_envoy(envoy_bin, directory, ["absent"]),
    ):
        eventually(lambda: is_denied(agent, "absent"))
        assert "Nomad has not made it" in agent.upstream("absent")["reason"]
        ClosedConsul(consul).register("shop-web", OWN, 1)
        eventually(lambda: agent.upstream("absent")["state"] == "current")
        eventually(lambda: gate(agent, directory)[0] == 0)


def test_a_consul_that_cannot_be_reached_is_failing_and_not_denied(directory: Path) -> None:
    (port,) = free_ports(1)
    with running_agent(directory, f"127.0.0.1:{port}", "payments", OWN_ID) as agent:
        eventually(lambda: agent.upstream("payments").get("state") == "failing")
        code, words = gate(agent, directory, patience=7)
        assert code == 1
        assert "connection refused" in words
        assert "token" not in words


@pytest.mark.parametrize(
    "fault", [reset, hang(30), says(500, "rpc error"), says(200, [], x_consul_knownleader="false")]
)
def test_a_consul_that_does_not_answer_for_the_own_registration_denies_nobody(
    directory: Path, fake: FakeConsul, fault: object
) -> None:
    fake.always(fault, "/v1/health/service/shop-web")  # type: ignore[arg-type]
    with running_agent(directory, fake.address, "payments", OWN_ID) as agent:
        eventually(lambda: len(fake.queries("/v1/health/service/shop-web")) >= 3, patience=40)
        assert agent.upstream("payments")["state"] == "starting"
        fake.always(None, "/v1/health/service/shop-web")
        fake.put("shop-web", entry("127.0.0.1", 1, ID=OWN))
        eventually(lambda: agent.upstream("payments")["state"] == "current")


def test_another_instance_of_the_own_service_is_no_witness(directory: Path, fake: FakeConsul) -> None:
    fake.put("shop-web", entry("127.0.0.1", 1, ID=OWN.replace("000a", "000b")))
    with running_agent(directory, fake.address, "payments", OWN_ID) as agent:
        eventually(lambda: is_denied(agent))


def test_the_question_holds_no_connection_and_ends_with_its_answer(directory: Path, fake: FakeConsul) -> None:
    fake.put("shop-web", entry("127.0.0.1", 1, ID=OWN))
    with running_agent(directory, fake.address, "payments", OWN_ID) as agent:
        eventually(lambda: agent.upstream("payments").get("state") == "current")
        fake.put("payments", entry("127.0.0.1", 2))
        eventually(lambda: agent.upstream("payments").get("endpoints"))
        asked = fake.queries("/v1/health/service/shop-web")
    assert len(asked) == 1
    assert "filter=" in asked[0]
    assert "index=" not in asked[0]
