"""The order of tasks, restarts and constraints as pure questions."""

from __future__ import annotations

from typing import Any

import pytest
from outrider_embedded.scheduler.constraint import is_satisfied
from outrider_embedded.scheduler.health import tasks_verdict
from outrider_embedded.scheduler.lifecycle import has_main_ended, startable, stop_order
from outrider_embedded.scheduler.restarts import RestartCounter
from outrider_embedded.scheduler.times import duration_ns, duration_text, stamp, stamp_ns

SECOND = 1_000_000_000


def task(name: str, hook: str = "", *, is_sidecar: bool = False) -> dict[str, Any]:
    lifecycle = {"Hook": hook, "Sidecar": is_sidecar} if hook else None
    return {"Name": name, "Lifecycle": lifecycle, "Leader": False}


TASKS = [task("gate", "prestart"), task("side", "prestart", is_sidecar=True), task("app"), task("after", "poststop")]


def states(**given: str) -> dict[str, dict[str, Any]]:
    started = {"running", "done", "failed"}
    return {
        one["Name"]: {
            "State": {"done": "dead", "failed": "dead"}.get(state, state),
            "Failed": state == "failed",
            "StartedAt": stamp(1) if state in started else None,
        }
        for one in TASKS
        for state in [given.get(one["Name"], "pending")]
    }


@pytest.mark.parametrize(
    ("given", "allowed"),
    [
        ({}, {"gate", "side"}),
        ({"gate": "done"}, {"gate", "side"}),
        ({"side": "running"}, {"gate", "side"}),
        ({"gate": "failed", "side": "running"}, {"gate", "side"}),
        ({"gate": "done", "side": "running"}, {"gate", "side", "app"}),
        ({"gate": "done", "side": "done", "app": "done"}, {"gate", "side", "app", "after"}),
    ],
)
def test_a_task_may_start_when_its_predecessors_have(given: dict[str, str], allowed: set[str]) -> None:
    assert startable(TASKS, states(**given)) == allowed


def test_sidecars_end_last_and_poststop_is_not_ended() -> None:
    assert [[one["Name"] for one in stage] for stage in stop_order(TASKS)] == [["gate", "app"], ["side"]]


def test_sidecars_are_left_without_work_when_no_main_task_lives() -> None:
    assert not has_main_ended(TASKS, states(app="running"))
    assert has_main_ended(TASKS, states(app="done", side="running"))


@pytest.mark.parametrize(
    ("given", "verdict"),
    [
        ({"gate": "done", "side": "running", "app": "running"}, "healthy"),
        ({"gate": "done", "side": "running"}, "pending"),
        ({"gate": "failed", "side": "running"}, "failed"),
        ({"gate": "done", "side": "running", "app": "done"}, "failed"),
    ],
)
def test_health_begins_when_all_run_that_have_to(given: dict[str, str], verdict: str) -> None:
    assert tasks_verdict(TASKS, states(**given)) == verdict


def policy(**more: Any) -> dict[str, Any]:
    return {"Attempts": 2, "Interval": 10 * SECOND, "Delay": SECOND, "Mode": "fail", **more}


def test_a_task_fails_after_its_attempts_and_is_forgiven_after_the_interval() -> None:
    counter = RestartCounter(policy(), is_service=True)
    assert counter.after_exit(1, SECOND * 100).delay_ns is not None
    assert counter.after_exit(1, SECOND * 101).delay_ns is not None
    last = counter.after_exit(1, SECOND * 102)
    assert (last.delay_ns, last.is_failed) == (None, True)
    assert last.reason == 'Exceeded allowed attempts 2 in interval 10s and mode is "fail"'
    assert counter.after_exit(1, SECOND * 200).delay_ns is not None


def test_mode_delay_waits_for_the_end_of_the_interval() -> None:
    counter = RestartCounter(policy(Attempts=1, Mode="delay"), is_service=True)
    counter.after_exit(1, SECOND * 100)
    later = counter.after_exit(1, SECOND * 104)
    assert later.delay_ns is not None
    assert 7 * SECOND <= later.delay_ns <= 8 * SECOND


def test_a_good_exit_is_the_end_only_where_the_task_may_end() -> None:
    assert RestartCounter(policy(), is_service=False).after_exit(0, 0).delay_ns is None
    assert RestartCounter(policy(), is_service=True).after_exit(0, 0).delay_ns is not None


@pytest.mark.parametrize(
    ("left", "operand", "right", "holds"),
    [
        ("${attr.kernel.name}", "=", "linux", True),
        ("${attr.kernel.name}", "!=", "linux", False),
        ("${attr.consul.version}", "semver", ">= 1.8.0", True),
        ("${attr.consul.version}", "version", ">= 1.9, < 2.0", False),
        ("${attr.consul.version}", "version", "~> 1.8", True),
        ("${attr.os.signals}", "set_contains", "SIGTERM,SIGHUP", True),
        ("${attr.cpu.numcores}", ">", "3", False),
        ("${attr.kernel.name}", "regexp", "^lin", True),
        ("${attr.nothing}", "is_not_set", "", True),
        ("${meta.rack}", "=", "r1", False),
    ],
)
def test_constraints_are_held_against_the_node(left: str, operand: str, right: str, holds: bool) -> None:
    attributes = {
        "kernel.name": "linux",
        "consul.version": "1.8.7",
        "os.signals": "SIGHUP,SIGINT,SIGTERM",
        "cpu.numcores": "2",
    }
    node = {"Attributes": attributes, "Meta": {}}
    assert is_satisfied({"LTarget": left, "Operand": operand, "RTarget": right}, node) is holds


@pytest.mark.parametrize(
    ("nanoseconds", "text"),
    [(0, "0s"), (5 * SECOND, "5s"), (90 * SECOND, "1m30s"), (3600 * SECOND, "1h0m0s"), (250_000_000, "250ms")],
)
def test_durations_are_written_and_read_as_go_does(nanoseconds: int, text: str) -> None:
    assert duration_text(nanoseconds) == text
    assert duration_ns(text) == nanoseconds


def test_times_keep_their_nanoseconds() -> None:
    assert stamp_ns(stamp(1_795_410_758_221_678_240)) == 1_795_410_758_221_678_240
