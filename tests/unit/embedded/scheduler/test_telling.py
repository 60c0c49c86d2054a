"""What an allocation and its tasks tell of themselves."""

from __future__ import annotations

from typing import Any

from outrider_embedded.scheduler import task_events
from outrider_embedded.scheduler.allocation_report import AllocationReport
from outrider_embedded.scheduler.task_status import TaskStatus


def test_a_status_is_heard_with_each_change_until_it_is_dead() -> None:
    heard: list[str] = []
    status = TaskStatus(lambda: heard.append(status.state["State"]))
    status.emit(task_events.received())
    status.start()
    status.restart(1_000_000_000, "Restart within policy")
    assert (status.state["Restarts"], status.state["LastRestart"] is None, status.is_dead) == (1, False, False)
    status.fail(task_events.not_restarting("Policy allows no restarts"))
    assert not status.dead.is_set()
    status.bury()
    assert heard == ["pending", "running", "pending", "pending", "dead"]
    assert [one["Type"] for one in status.state["Events"]] == ["Received", "Started", "Restarting", "Not Restarting"]
    assert (status.state["Failed"], status.is_dead, status.dead.is_set()) == (True, True, True)


def test_while_a_report_is_silent_it_keeps_what_it_told_last_and_tells_of_health_alone() -> None:
    told: list[tuple[str, dict[str, Any]]] = []
    report = AllocationReport("a1", lambda name, changes: told.append((name, changes)))
    report.is_silent = True
    report.tell({"web": task_events.PENDING})
    report.tell_health(True)
    assert (report.states, told) == ({}, [("a1", {"Healthy": True})])
    report.is_silent = False
    report.tell({"web": task_events.PENDING})
    assert list(report.states) == ["web"]
    assert told[1][1]["ClientStatus"] == "pending"
