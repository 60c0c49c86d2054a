"""Envoy and agent that start in any order, crash and come back; hosts that leave; what reaches Envoy in which form."""

from __future__ import annotations

import random
import socket
import subprocess
import sys
import time
from pathlib import Path

from outrider_harness.agents import Agent, running_agent
from outrider_harness.asking import fetched
from outrider_harness.envoys import Envoy, running_envoy
from outrider_harness.fleet import request
from outrider_harness.programs import short_directory
from outrider_harness.scripted_consul import Entry, FakeConsul, entry
from outrider_harness.waiting import eventually

CHANGES = 30


def here(port: int, status: str = "passing") -> Entry:
    return entry("127.0.0.1", port, status)


def gate(directory: Path, agent: Agent, patience: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-I", "-S", str(directory / "outrider-agent.pyz"), "gate", patience]
    return subprocess.run(command, env=agent.variables, capture_output=True, text=True, timeout=60, check=False)


def test_b05_the_same_instances_in_another_order_are_the_same_version(
    directory: Path, fake: FakeConsul, envoy_bin: str
) -> None:
    instances = [here(port) for port in range(1, 9)]
    fake.put("web", *instances)
    with running_agent(directory, fake.address, "web") as agent, running_envoy(envoy_bin, directory, ["web"]) as envoy:
        eventually(lambda: len(envoy.endpoints("web")) == 8)
        version, updates = agent.upstream("web")["version"], envoy.stat("cluster.web.update_success")
        for round_number in range(100):
            random.Random(round_number).shuffle(instances)
            fake.put("web", *instances)
            assert agent.upstream("web")["version"] == version
        assert envoy.stat("cluster.web.update_success") == updates


def test_b07_an_envoy_that_starts_long_before_the_agent_serves_nothing_until_it_can(
    directory: Path, fake: FakeConsul, backends: list[int], envoy_bin: str
) -> None:
    fake.put("web", here(backends[0]))
    with running_envoy(envoy_bin, directory, ["web"]) as envoy:  # LIVE only when it has given up waiting
        assert envoy.stat("cluster.web.update_success") == 0
        agent = Agent(directory, "127.0.0.1:1", "web", {}, sys.executable)
        agent.end(at_once=True)
        assert "the agent does not answer" in gate(directory, agent, "1").stderr
        with running_agent(directory, fake.address, "web") as agent:
            opened = gate(directory, agent, "20")
            assert opened.returncode == 0, opened.stderr
            eventually(lambda: envoy.endpoints("web") == {f"127.0.0.1:{backends[0]}"})
            assert {envoy.get("web")[0] for _ in range(20)} == {200}


def test_b08_an_envoy_that_crashes_is_back_with_every_endpoint(
    directory: Path, fake: FakeConsul, backends: list[int], envoy_bin: str
) -> None:
    fake.put("web", *(here(port) for port in backends))
    with running_agent(directory, fake.address, "web") as agent:
        for _ in range(4):
            with running_envoy(envoy_bin, directory, ["web"]) as envoy:
                eventually(lambda envoy=envoy: len(envoy.endpoints("web")) == len(backends))
                assert envoy.get("web")[0] == 200
                envoy.end(at_once=True)
        assert agent.metric('outrider_agent_rejected_updates_total{upstream="web"}') == 0


def test_b08_callers_go_elsewhere_while_an_envoy_is_down(
    directory: Path, fake: FakeConsul, backends: list[int], envoy_bin: str
) -> None:
    """Two instances, each behind an Envoy of its own, of which one is killed under load."""
    fake.put("app", here(backends[0]))
    with (
        short_directory() as one,
        short_directory() as other,
        running_agent(one, fake.address, "app"),
        running_agent(other, fake.address, "app"),
        running_envoy(envoy_bin, one, ["app"]) as first,
        running_envoy(envoy_bin, other, ["app"]) as second,
    ):
        fake.put("web", here(first.egress["app"]), here(second.egress["app"]))
        with (
            running_agent(directory, fake.address, "web"),
            running_envoy(envoy_bin, directory, ["web"]) as caller,
        ):
            eventually(lambda: len(caller.endpoints("web")) == 2)
            assert statuses(caller) == {200}
            first.process.kill()
            assert statuses(caller, 200) == {200}
            assert caller.stat("cluster.web.upstream_rq_retry") > 0


def statuses(envoy: Envoy, requests: int = 50) -> set[int]:
    return {envoy.get("web")[0] for _ in range(requests)}


def test_b12_changes_that_follow_each_other_all_arrive_in_the_end(
    directory: Path, fake: FakeConsul, envoy_bin: str
) -> None:
    """How fast is bench/propagation.py's business."""
    fake.put("web", here(1))
    with running_agent(directory, fake.address, "web"), running_envoy(envoy_bin, directory, ["web"]) as envoy:
        for change in range(CHANGES):
            ports = {1, 100 + change}
            fake.put("web", *map(here, sorted(ports)))
            expected = {f"127.0.0.1:{port}" for port in ports}
            eventually(lambda expected=expected: envoy.endpoints("web") == expected)
            fake.put("web", here(1))
            eventually(lambda: envoy.endpoints("web") == {"127.0.0.1:1"})
        assert envoy.stat("cluster.web.update_rejected") == 0
        assert envoy.stat("cluster.web.update_failure") == 0


def test_b12_an_answer_leaves_in_one_piece(directory: Path, fake: FakeConsul) -> None:
    """Headers first and the body after would cost 40 ms: Nagle waits for an acknowledgement that is delayed."""
    fake.put("web", here(1), here(2))
    with running_agent(directory, fake.address, "web") as agent:
        eventually(lambda: agent.upstream("web").get("endpoints"))
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as envoy:
            envoy.connect(agent.address.removeprefix("unix:"))
            envoy.sendall(request("web", b""))
            piece = envoy.recv(65536)
    head, _, body = piece.partition(b"\r\n\r\n")
    assert len(body) == int(head.partition(b"content-length: ")[2].split(b"\r\n")[0])


def test_b13_an_instance_that_still_answers_gets_no_traffic_once_it_is_gone(
    directory: Path, fake: FakeConsul, backends: list[int], envoy_bin: str
) -> None:
    first, second, _ = backends
    fake.put("web", here(first), here(second))
    """A sidecar checks no endpoint itself: what Consul says is final, at once, over connections that are open, too."""
    with running_agent(directory, fake.address, "web"), running_envoy(envoy_bin, directory, ["web"]) as envoy:
        eventually(lambda: envoy.stat("cluster.web.membership_healthy") == 2)
        eventually(lambda: {envoy.get("web")[1] for _ in range(20)} == {str(first).encode(), str(second).encode()})
        fake.put("web", here(second))
        eventually(lambda: envoy.endpoints("web") == {f"127.0.0.1:{second}"}, patience=1.0)
        assert {envoy.get("web")[1] for _ in range(40)} == {str(second).encode()}
        assert fetched(f"127.0.0.1:{first}", "/") == (200, str(first).encode()), "it still answers"


def test_b15_no_answer_of_ours_lets_endpoints_grow_stale(directory: Path, fake: FakeConsul, envoy_bin: str) -> None:
    """A silent agent must cost nothing; a spec has no field that would change that."""
    fake.put("web", here(1))
    with running_agent(directory, fake.address, "web") as agent, running_envoy(envoy_bin, directory, ["web"]) as envoy:
        eventually(lambda: envoy.endpoints("web") == {"127.0.0.1:1"})
        agent.end(at_once=True)
        time.sleep(3.0)
        assert envoy.stat("cluster.web.assignment_stale") == 0
        assert envoy.endpoints("web") == {"127.0.0.1:1"}


def test_b16_the_pinned_envoy_calls_nothing_of_it_deprecated(directory: Path, fake: FakeConsul, envoy_bin: str) -> None:
    """CI runs these files against the release before the pinned one, too."""
    fake.put("web", here(1, "warning"))
    with running_agent(directory, fake.address, "web"), running_envoy(envoy_bin, directory, ["web"]) as envoy:
        eventually(lambda: envoy.endpoints("web") == {"127.0.0.1:1"})
        assert "deprecated" not in envoy.output().lower()
        assert envoy.stat("runtime.deprecated_feature_use") == 0
