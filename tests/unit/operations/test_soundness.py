"""Which allocations count as running well, by Nomad's one word and by what is so now."""

from __future__ import annotations

from typing import Any

import pytest

from outrider.consul.instances import Instance
from outrider.nomad.read.allocations import Allocation, allocations
from outrider.operations.soundness import sound

JUDGED = "2026-11-27T11:18:47.832758001Z"


def allocation(
    *, healthy: bool | None, restarted: str = "0001-01-01T00:00:00Z", gate: str = "dead", app: str = "running"
) -> Allocation:
    tasks: dict[str, Any] = {
        "gate": {"State": gate, "Failed": False, "Events": []},
        "app": {"State": app, "Failed": False, "LastRestart": restarted, "Events": []},
    }
    health = {"Healthy": healthy, "Timestamp": JUDGED}
    stub = {
        "ID": "aaaa",
        "Name": "pay.pay[0]",
        "ClientStatus": "running",
        "DesiredStatus": "run",
        "DeploymentStatus": health,
    }
    return allocations([stub | {"TaskStates": tasks}])[0]


def instance(status: str) -> Instance:
    return Instance("_nomad-task-aaaa-group-pay", "127.0.0.1:1", status, canary=False)


@pytest.mark.parametrize("status", ["passing", "critical", "warning"])
def test_checks_that_pass_now_outweigh_what_nomad_said_while_consul_was_away(status: str) -> None:
    found = sound([allocation(healthy=False)], [instance(status)], is_registered=True)
    assert len(found) == (status == "passing")


def test_without_a_registration_a_service_that_nomad_found_unhealthy_is_not_taken_for_well() -> None:
    assert sound([allocation(healthy=False)], [], is_registered=True) == ()
    assert len(sound([allocation(healthy=None)], [], is_registered=True)) == 1


@pytest.mark.parametrize(("restarted", "is_sound"), [("2026-11-27T11:18:46Z", True), ("2026-11-27T11:18:48Z", False)])
def test_a_worker_is_well_again_where_nothing_was_restarted_since_nomad_gave_its_word(
    restarted: str, *, is_sound: bool
) -> None:
    found = sound([allocation(healthy=False, restarted=restarted)], [], is_registered=False)
    assert bool(found) is is_sound


def test_an_allocation_whose_app_waits_behind_its_gate_does_not_run_well() -> None:
    waiting = allocation(healthy=True, gate="running", app="pending")
    assert sound([waiting], [instance("passing")], is_registered=True) == ()
