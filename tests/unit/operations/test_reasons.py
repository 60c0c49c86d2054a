from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

from fakes.nomad import NomadSimulator
from fakes.surroundings import World

from outrider.operations.application import Application
from outrider.operations.reasons import failure


class RestartingNomad(NomadSimulator):
    """Has one allocation whose app falls over again and again, without having failed for good."""

    async def allocations(self, job_id: str) -> list[dict[str, Any]]:
        events = [{"Type": "Terminated", "DisplayMessage": "Exit Code: 127"}]
        app = {"State": "running", "Failed": False, "Restarts": 3, "Events": events}
        health = {"Healthy": False, "Canary": False}
        stub = {"ID": "2864267b-0", "Name": "a.a[0]", "NodeName": "n", "ClientStatus": "running"}
        return [{**stub, "DesiredStatus": "run", "DeploymentStatus": health, "TaskStates": {"app": app}}]

    async def logs(self, allocation_id: str, task: str, kind: str = "stdout", **rest: Any) -> AsyncIterator[bytes]:
        yield b"sh: /nonexistent/prog: not found\n"


async def test_a_task_that_is_restarted_again_and_again_is_named_with_its_last_words(
    world: World, application: Application
) -> None:
    here = replace(application.environment("stage"), nomad=RestartingNomad())
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
        yield f"{task} says why\n".encode()


async def test_a_gate_that_did_not_open_in_time_is_the_reason_with_its_last_words(
    world: World, application: Application
) -> None:
    killed = [{"Type": "Started"}, {"Type": "Terminated", "DisplayMessage": "Exit Code: 143, Signal: 15"}]
    found = await failure(replace(application.environment("stage"), nomad=WaitingNomad(killed)), "a", 0)
    assert found.splitlines() == [
        "allocation 2864267b on n: task gate did not open in time",
        "  stderr: gate says why",
    ]


async def test_a_gate_that_has_opened_is_no_reason(world: World, application: Application) -> None:
    opened = [{"Type": "Terminated", "DisplayMessage": "Exit Code: 0"}]
    found = await failure(replace(application.environment("stage"), nomad=WaitingNomad(opened)), "a", 0)
    assert found == "allocation 2864267b on n has not started app"
