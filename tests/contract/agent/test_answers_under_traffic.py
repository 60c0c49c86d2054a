"""What an agent's wrong answers do to requests: one of each kind; test_answers_to_envoy.py has the whole table."""

from __future__ import annotations

from collections.abc import Generator
from pathlib import Path

import pytest
from fakes.agent import FakeAgent, Script, assignment, hang, host, reset, status, update
from outrider_harness.envoys import Document, Envoy, clusters_of, running_envoy
from outrider_harness.waiting import eventually

COUNTERS = ("update_attempt", "update_success", "update_failure", "update_rejected", "update_empty")


@pytest.fixture
def agent(directory: Path) -> Generator[FakeAgent]:
    with FakeAgent().running(directory / "agent.sock") as running:
        yield running


def answerers(envoy: Envoy, requests: int = 12) -> set[int]:
    """Ports that answered; every request must succeed."""
    answers = [envoy.get("web") for _ in range(requests)]
    assert {code for code, _ in answers} == {200}, answers
    return {int(body) for _, body in answers}


def counters(envoy: Envoy) -> dict[str, int]:
    return {name: envoy.stat(f"cluster.web.{name}") for name in COUNTERS}


def impatient(document: Document) -> None:
    """Envoy waits for an answer for a second only."""
    (web,) = clusters_of(document, ["web"])
    web["eds_cluster_config"]["eds_config"]["api_config_source"]["request_timeout"] = "1s"


KEPT: dict[str, tuple[str, Script]] = {
    "an error": ("update_failure", status(500, "no")),
    "a connection that is reset": ("update_failure", reset),
    "malformed JSON": ("update_rejected", status(200, "{")),
    "a port that is true": ("update_rejected", update("2", assignment(host(True)))),
    "a version with half a sign": (
        "update_rejected",
        update("2", assignment(host(1, metadata={"filter_metadata": {"envoy.lb": {"version": "\ud800"}}}))),
    ),
    "no resources": ("update_empty", update("2")),
}


@pytest.mark.parametrize("case", KEPT)
def test_b03_an_answer_that_is_none_leaves_the_endpoints_as_they_are(
    directory: Path, agent: FakeAgent, backends: list[int], envoy_bin: str, case: str
) -> None:
    first, second, _ = backends
    counter, script = KEPT[case]
    agent.answers(update("1", assignment(host(first))))
    with running_envoy(envoy_bin, directory, ["web"]) as envoy:
        assert answerers(envoy) == {first}
        before = counters(envoy)
        agent.answers(script)
        eventually(lambda: counters(envoy)[counter] > before[counter])
        assert answerers(envoy) == {first}
        agent.answers(update("3", assignment(host(second))))
        eventually(lambda: answerers(envoy) == {second})


def test_b03_an_agent_that_hangs_costs_envoy_its_timeout_and_nothing_else(
    directory: Path, agent: FakeAgent, backends: list[int], envoy_bin: str
) -> None:
    first, second, _ = backends
    agent.answers(update("1", assignment(host(first))))
    with running_envoy(envoy_bin, directory, ["web"], impatient) as envoy:
        assert answerers(envoy) == {first}
        agent.answers(hang)
        eventually(lambda: counters(envoy)["update_failure"] > 0)
        assert answerers(envoy) == {first}
        agent.answers(update("2", assignment(host(second))))
        eventually(lambda: answerers(envoy) == {second})


def test_b03_after_a_rejection_envoy_asks_with_the_version_that_it_has(
    directory: Path, agent: FakeAgent, envoy_bin: str
) -> None:
    """All that an agent ever learns of it."""
    agent.answers(update("1", assignment(host(1))))
    with running_envoy(envoy_bin, directory, ["web"]) as envoy:
        eventually(lambda: len(agent.asked) == 2)
        agent.answers(update("2", assignment(host(99999))))
        eventually(lambda: len(agent.asked) == 3)
        assert [one.get("version_info") for one in agent.asked] == [None, "1", "1"]
        assert not any("error_detail" in one for one in agent.asked)
        assert envoy.stat("cluster.web.update_rejected") == 1


def test_b04_no_resources_keep_and_an_assignment_without_endpoints_empties(
    directory: Path, agent: FakeAgent, backends: list[int], envoy_bin: str
) -> None:
    first = backends[0]
    agent.answers(update("1", assignment(host(first))))
    with running_envoy(envoy_bin, directory, ["web"]) as envoy:
        assert answerers(envoy) == {first}
        agent.answers(update("2"))
        eventually(lambda: counters(envoy)["update_empty"] == 1)
        assert answerers(envoy) == {first}
        agent.answers(update("3", assignment()))
        eventually(lambda: envoy.get("web")[0] == 503)
        assert b"no healthy upstream" in envoy.get("web")[1]


def test_b15_a_stale_cap_would_empty_the_cluster_of_a_silent_agent_so_only_a_policy_sets_one(
    directory: Path, agent: FakeAgent, backends: list[int], envoy_bin: str
) -> None:
    agent.answers(update("1", assignment(host(backends[0]), policy={"endpoint_stale_after": "1s"})))
    with running_envoy(envoy_bin, directory, ["web"]) as envoy:
        eventually(lambda: envoy.stat("cluster.web.assignment_stale") == 1)
        assert envoy.get("web")[0] == 503
