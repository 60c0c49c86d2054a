"""What an event says of an allocation: one line for a person, and the same for programs."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from fakes.shown import an_allocation

from outrider.nomad.read.allocations import Allocation, Task
from outrider.operations.drive.allocation_lines import allocation_line

HERE = "allocation 00000001 on node-1: "


def a_task(name: str, state: str = "running", *, restarts: int = 0, **more: Any) -> Task:
    known: dict[str, Any] = {"failed": False, "text": "Started", "reason": ""} | more
    return Task(name, state, restarts=restarts, **known)


def line(*tasks: Task, status: str = "running", healthy: bool | None = None, canary: bool = False) -> str:
    return allocation_line(allocation(*tasks, status=status, healthy=healthy, canary=canary))


def allocation(*tasks: Task, **state: Any) -> Allocation:
    return replace(an_allocation(1), tasks=tasks, **state)


APP, PENDING = a_task("app"), a_task("app", "pending")


@pytest.mark.parametrize(
    ("status", "healthy", "said"),
    [
        ("running", True, "running, healthy"),
        ("running", False, "running, unhealthy"),
        ("running", None, "running"),
        ("pending", False, "pending, unhealthy"),
        ("complete", True, "complete"),
        ("failed", False, "failed"),
        ("lost", True, "lost"),
    ],
)
def test_health_is_told_of_an_allocation_that_is_not_gone(status: str, healthy: bool | None, said: str) -> None:
    assert line(APP, status=status, healthy=healthy) == HERE + said


def test_a_canary_is_called_so() -> None:
    assert line(APP, canary=True) == f"canary {HERE}running"


@pytest.mark.parametrize(
    ("task", "said"),
    [
        (a_task("app", "dead", failed=True, reason="Exit Code: 3"), "app failed: Exit Code: 3"),
        (a_task("app", "dead", failed=True, restarts=2, reason="Exit Code: 3"), "app failed: Exit Code: 3"),
        (a_task("app", restarts=1, reason="Exit Code: 1"), "app restarted 1 time: Exit Code: 1"),
        (a_task("app", restarts=2, text="Restarted"), "app restarted 2 times: Restarted"),
        (a_task("app", restarts=2, reason="Exit Code: 1", text="Restarted"), "app restarted 2 times: Exit Code: 1"),
    ],
)
def test_a_task_in_trouble_is_told_with_its_reason_or_what_nomad_said_last(task: Task, said: str) -> None:
    assert line(task) == f"{HERE}running; {said}"


def test_of_many_tasks_in_trouble_two_are_told_and_those_that_failed_come_first() -> None:
    restarted = [a_task(name, restarts=1, reason="r") for name in ("agent", "app")]
    failed = a_task("gate", "dead", failed=True, reason="f")
    assert line(*restarted, failed) == f"{HERE}running; gate failed: f; agent restarted 1 time: r"
    assert line(APP, failed) == f"{HERE}running; gate failed: f"


def test_what_is_in_trouble_is_told_before_what_is_still_to_come() -> None:
    assert line(PENDING, a_task("gate", restarts=1, reason="r")) == f"{HERE}running; gate restarted 1 time: r"


def test_tasks_that_have_not_started_are_told_of_an_allocation_that_runs() -> None:
    assert line(PENDING, a_task("envoy"), a_task("warm", "pending")) == f"{HERE}running; app, warm to come"
    assert line(PENDING, status="pending") == f"{HERE}pending"
    assert line(a_task("app", "dead")) == f"{HERE}running"


def test_what_a_task_cannot_read_yet_is_told_whatever_else_is_to_come() -> None:
    waits = a_task("envoy", "pending", unread="waits for Consul key a")
    more = a_task("warm", "pending", unread="waits for Vault path b")
    assert line(PENDING, waits, status="pending") == f"{HERE}pending; envoy waits for Consul key a"
    assert line(waits, more) == f"{HERE}running; envoy waits for Consul key a; warm waits for Vault path b"
