"""Whether a new allocation has become healthy: its tasks run, and its checks pass, for long enough."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable

from outrider_ground.errors import RemoteError

from outrider_embedded.scheduler.documents import Document
from outrider_embedded.scheduler.lifecycle import hook, is_sidecar
from outrider_embedded.scheduler.times import duration_text, stamp_ns

States = dict[str, Document]

_LOOK_S = 0.1
_CHECKS_S = 0.25
_SECOND = 1_000_000_000


def tasks_verdict(tasks: list[Document], states: States) -> str:
    """``healthy`` while all run that have to, ``failed`` when one has failed or ended, else ``pending``."""
    watched = [task for task in tasks if hook(task) != "poststop"]
    if not states:
        return "pending"
    if any(_is_lost(task, states[task["Name"]]) for task in watched):
        return "failed"
    if any(states[task["Name"]]["State"] == "pending" for task in watched):
        return "pending"
    return "healthy"


def latest_start(states: States) -> int:
    """Nanoseconds of the last start of any task."""
    return max((stamp_ns(state["StartedAt"]) for state in states.values() if state["StartedAt"]), default=0)


def complaints(tasks: list[Document], states: States, update: Document, failing: list[str]) -> dict[str, str]:
    """What Nomad says of each task that kept an allocation from becoming healthy."""
    deadline = duration_text(update["HealthyDeadline"])
    result: dict[str, str] = {}
    for task in tasks:
        state = states[task["Name"]]
        if hook(task) in {"prestart", "poststop"} and not is_sidecar(task):
            continue
        if state["Failed"]:
            result[task["Name"]] = "Unhealthy because of failed task"
        elif state["State"] == "dead":
            result[task["Name"]] = "Unhealthy because of dead task"
        elif state["State"] == "pending":
            result[task["Name"]] = f"Task not running by healthy_deadline of {deadline}"
        elif failing:
            result[task["Name"]] = f"Service(s) unhealthy by healthy_deadline of {deadline}"
        elif time.time_ns() - latest_start(states) < update["MinHealthyTime"]:
            least = duration_text(update["MinHealthyTime"])
            result[task["Name"]] = f"Task not running for min_healthy_time of {least} by healthy_deadline of {deadline}"
    return result


async def health(
    tasks: list[Document],
    update: Document,
    states: Callable[[], States],
    failing_checks: Callable[[], Awaitable[list[str]]],
) -> tuple[bool, list[str]]:
    """Wait until the allocation is healthy, has failed, or the deadline is over; with the checks that then failed."""
    start = time.monotonic()
    failing: list[str] = []
    good_since: float | None = None
    looked = 0.0
    with_checks = update["HealthCheck"] == "checks"
    while time.monotonic() - start < update["HealthyDeadline"] / _SECOND:
        verdict = tasks_verdict(tasks, states())
        if verdict == "failed":
            return False, []
        if with_checks and time.monotonic() - looked >= _CHECKS_S:
            failing, looked = await _failing(failing_checks), time.monotonic()
        is_good = verdict == "healthy" and not (with_checks and failing)
        good_since = (good_since or time.monotonic()) if is_good else None
        if good_since is not None and _is_long_enough(good_since, states(), update):
            return True, []
        await asyncio.sleep(_LOOK_S)
    return False, failing


def _is_long_enough(good_since: float, states: States, update: Document) -> bool:
    least = update["MinHealthyTime"]
    has_lasted = (time.monotonic() - good_since) * _SECOND >= least
    return has_lasted and time.time_ns() - latest_start(states) >= least


async def _failing(failing_checks: Callable[[], Awaitable[list[str]]]) -> list[str]:
    try:
        return await failing_checks()
    except RemoteError:
        return ["Consul"]


def _is_lost(task: Document, state: Document) -> bool:
    if state["Failed"]:
        return True
    if hook(task) == "poststart" and not is_sidecar(task):
        return False
    return state["State"] == "dead" and hook(task) != "prestart"
