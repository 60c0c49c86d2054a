from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

from fakes.nomad import NomadSimulator
from fakes.world import ADA, World
from outrider_ground.errors import RemoteError

from outrider.nomad.read.allocations import allocations
from outrider.nomad.read.culprits import culprit_task
from outrider.operations.application import Application
from outrider.operations.drive.reasons import failure, standstill


class RestartingNomad(NomadSimulator):
    """Has one allocation whose app falls over again and again, without having failed for good."""

    async def allocations(self, job_id: str) -> list[dict[str, Any]]:
        events = [{"Type": "Terminated", "DisplayMessage": "Exit Code: 127"}]
        app = {"State": "running", "Failed": False, "Restarts": 3, "Events": events}
        health = {"Healthy": False, "Canary": False}
        stub = {"ID": "2864267b-0", "Name": "a.a[0]", "NodeName": "n", "ClientStatus": "running"}
        return [{**stub, "DesiredStatus": "run", "DeploymentStatus": health, "TaskStates": {"app": app}}]

    async def logs(self, allocation_id: str, task: str, kind: str = "stdout", **rest: Any) -> AsyncIterator[bytes]:
        yield b"sh: /nonexistent/prog: not found\n" if kind == "stderr" else b""


async def test_a_task_that_is_restarted_again_and_again_is_named_with_its_last_words(
    world: World, application: Application
) -> None:
    here = replace(application.environment(ADA, "stage"), nomad=RestartingNomad())
    found = await failure(here, "a", 0)
    assert found.splitlines() == [
        "allocation 2864267b on n: task app was restarted 3 times: Exit Code: 127",
        "  stderr: sh: /nonexistent/prog: not found",
    ]


class WaitingNomad(NomadSimulator):
    """Has one allocation that Nomad gave up while its gate waited, or after it had opened."""

    def __init__(self, events: list[dict[str, Any]]) -> None:
        super().__init__()
        self.gate_events = events

    async def allocations(self, job_id: str) -> list[dict[str, Any]]:
        gate = {"State": "dead", "Failed": False, "Restarts": 0, "Events": self.gate_events}
        app = {"State": "pending", "Failed": False, "Restarts": 0, "Events": []}
        stub = {"ID": "2864267b-0", "Name": "a.a[0]", "NodeName": "n", "ClientStatus": "running"}
        health = {"Healthy": False, "Canary": False}
        return [{**stub, "DesiredStatus": "run", "DeploymentStatus": health, "TaskStates": {"app": app, "gate": gate}}]

    async def logs(self, allocation_id: str, task: str, kind: str = "stdout", **rest: Any) -> AsyncIterator[bytes]:
        yield f"{task} says why\n".encode() if kind == "stderr" else b""


async def test_a_gate_that_did_not_open_in_time_is_the_reason_with_its_last_words(
    world: World, application: Application
) -> None:
    killed = [{"Type": "Started"}, {"Type": "Terminated", "DisplayMessage": "Exit Code: 143, Signal: 15"}]
    found = await failure(replace(application.environment(ADA, "stage"), nomad=WaitingNomad(killed)), "a", 0)
    assert found.splitlines() == [
        "allocation 2864267b on n: task gate did not open in time",
        "  stderr: gate says why",
    ]


async def test_a_gate_that_has_opened_is_no_reason(world: World, application: Application) -> None:
    opened = [{"Type": "Terminated", "DisplayMessage": "Exit Code: 0"}]
    found = await failure(replace(application.environment(ADA, "stage"), nomad=WaitingNomad(opened)), "a", 0)
    assert found == "allocation 2864267b on n has not started app"


class PendingNomad(NomadSimulator):
    """Has allocations of job version 0 with these states of their tasks."""

    def __init__(self, tasks: dict[str, dict[str, Any]], *, healthy: bool | None = False, count: int = 1) -> None:
        super().__init__()
        self.tasks, self.healthy, self.copies = tasks, healthy, count

    async def versions(self, job_id: str) -> list[dict[str, Any]]:
        return [{"Version": 0, "TaskGroups": [{"Services": [{"Name": "a"}], "Tasks": []}]}]

    async def allocations(self, job_id: str) -> list[dict[str, Any]]:
        states = {name: {"Failed": False, "Restarts": 0, "Events": [], **state} for name, state in self.tasks.items()}
        health = {"Healthy": self.healthy, "Canary": False}
        stub = {"NodeName": "n", "ClientStatus": "running", "DesiredStatus": "run", "DeploymentStatus": health}
        return [
            {**stub, "ID": f"2864267{number}-0", "Name": f"a.a[{number}]", "TaskStates": states}
            for number in range(self.copies)
        ]

    async def logs(self, allocation_id: str, task: str, kind: str = "stdout", **rest: Any) -> AsyncIterator[bytes]:
        yield f"{task} says why\n".encode() if kind == "stderr" else b""


MISSING = {"State": "pending", "Events": [{"Type": "Template", "DisplayMessage": "Missing: kv.block(pay/limit)"}]}
RUNS = {"State": "running"}


async def test_what_a_pending_task_waits_for_is_the_reason_and_not_the_check_that_nobody_answers(
    world: World, application: Application
) -> None:
    world.consul.add("a", "_nomad-task-28642670-0-group-a-a-ingress", 1, status="critical")
    here = replace(application.environment(ADA, "stage"), nomad=PendingNomad({"app": MISSING, "envoy": RUNS}))
    assert await failure(here, "a", 0) == "allocation 28642670 on n: task app waits for Consul key pay/limit"


async def test_a_sidecar_that_waits_for_a_password_is_named_before_the_gate_that_waits_for_it(
    world: World, application: Application
) -> None:
    tasks = {"app": {"State": "pending"}, "envoy": MISSING, "gate": {"State": "dead", "Failed": True}}
    found = await failure(replace(application.environment(ADA, "stage"), nomad=PendingNomad(tasks)), "a", 0)
    assert found == "allocation 28642670 on n: task envoy waits for Consul key pay/limit"


async def test_an_envoy_that_falls_over_is_named_before_the_gate_with_the_words_of_both(
    world: World, application: Application
) -> None:
    envoy = {"State": "running", "Restarts": 2, "Events": [{"Type": "Terminated", "DisplayMessage": "Exit Code: 1"}]}
    gate = {"State": "dead", "Failed": True, "Events": [{"Type": "Terminated", "DisplayMessage": "Exit Code: 1"}]}
    nomad = PendingNomad({"app": {"State": "pending"}, "envoy": envoy, "gate": gate})
    found = await failure(replace(application.environment(ADA, "stage"), nomad=nomad), "a", 0)
    first, *more = found.splitlines()
    assert (
        first
        == "allocation 28642670 on n: task envoy was restarted 2 times: Exit Code: 1; task gate failed: Exit Code: 1"
    )
    assert more == ["  stderr: envoy says why", "  stderr: gate says why"]
    (one,) = allocations(await nomad.allocations("a"))
    assert culprit_task(one) == "envoy"


async def test_without_consul_the_verdict_names_consul(world: World, application: Application) -> None:
    world.consul.away = RemoteError("Consul at x cannot be reached")
    here = replace(application.environment(ADA, "stage"), nomad=PendingNomad({"app": RUNS}))
    assert await failure(here, "a", 0) == (
        "allocation 28642670 on n did not become healthy: Consul does not answer, and without it no check passes "
        "(Consul at x cannot be reached)"
    )


async def test_an_allocation_that_consul_does_not_know_is_told_as_such(world: World, application: Application) -> None:
    here = replace(application.environment(ADA, "stage"), nomad=PendingNomad({"app": RUNS}))
    assert "Consul has no registration of it: ask the Consul agent of n" in await failure(here, "a", 0)


async def test_what_a_check_said_is_known_to_its_agent_before_the_catalog_hears_of_it(
    world: World, application: Application
) -> None:
    """The catalog hears of an answer only with another status: an app that answers 500 from the first is silent there."""
    world.consul.add("a", "_nomad-task-28642670-0-group-a-a-ingress", 1, status="critical")
    entries, _ = await world.consul.health("a")
    entries[0]["Checks"][0] |= {"CheckID": "c1", "Output": ""}
    here = replace(application.environment(ADA, "stage"), nomad=PendingNomad({"app": RUNS}))
    silent = "did not become healthy: alive: Consul has no answer of it in its catalog: ask the Consul agent of n"
    assert (await failure(here, "a", 0)).endswith(silent)
    world.consul.agents_checks = {"other": {"Output": "well"}, "c1": {"Output": "HTTP GET /: 500\n"}}
    assert (await failure(here, "a", 0)).endswith("did not become healthy: alive: HTTP GET /: 500")


async def test_a_deployment_that_stands_still_says_of_each_allocation_what_it_waits_for(
    world: World, application: Application
) -> None:
    tasks = {"app": {"State": "pending"}, "gate": RUNS, "envoy": RUNS}
    nomad = PendingNomad(tasks, healthy=None, count=6)
    world.consul.add("a", "_nomad-task-28642670-0-group-a-a-ingress", 1, status="critical")
    here = replace(application.environment(ADA, "stage"), nomad=nomad)
    told = await standstill(here, "a", 0)
    assert told.splitlines()[:2] == [
        "allocation 28642670 on n: task gate has not opened: alive: connection refused",
        "  stderr: gate says why",
    ]
    assert told.endswith("and 2 more allocations")


async def test_a_standstill_of_healthy_allocations_is_nomads_and_one_without_any_says_so(
    world: World, application: Application
) -> None:
    here = replace(application.environment(ADA, "stage"), nomad=PendingNomad({"app": RUNS}, healthy=True, count=2))
    assert "all 2 placed allocations are healthy" in await standstill(here, "a", 0)
    empty = replace(application.environment(ADA, "stage"), nomad=PendingNomad({}, count=0))
    assert await standstill(empty, "a", 0) == "Nomad has placed no allocation of this version"
