"""The order in which an allocation's tasks start and end, as questions about their states (pure)."""

from __future__ import annotations

from outrider_embedded.scheduler.documents import Document, fields

States = dict[str, Document]


def hook(task: Document) -> str:
    """``prestart``, ``poststart``, ``poststop``, or ``main``."""
    return fields(task["Lifecycle"]).get("Hook") or "main"


def is_sidecar(task: Document) -> bool:
    return bool(fields(task["Lifecycle"]).get("Sidecar"))


def startable(tasks: list[Document], states: States) -> set[str]:
    """The tasks whose time has come, those that run or have run included."""
    allowed = {task["Name"] for task in tasks if hook(task) == "prestart"}
    if all(_is_prepared(task, states) for task in tasks if hook(task) == "prestart"):
        allowed |= {task["Name"] for task in tasks if hook(task) == "main"}
    if all(_has_started(states[task["Name"]]) for task in tasks if hook(task) == "main"):
        allowed |= {task["Name"] for task in tasks if hook(task) == "poststart"}
    if all(states[task["Name"]]["State"] == "dead" for task in tasks if hook(task) != "poststop"):
        allowed |= {task["Name"] for task in tasks if hook(task) == "poststop"}
    return allowed


def stop_order(tasks: list[Document]) -> list[list[Document]]:
    """The tasks in the order in which they are ended: leader, main and others, sidecars; without poststop."""
    ended = [task for task in tasks if hook(task) != "poststop"]
    leader = [task for task in ended if task["Leader"]]
    sidecars = [task for task in ended if is_sidecar(task) and not task["Leader"]]
    others = [task for task in ended if task not in leader and task not in sidecars]
    return [stage for stage in (leader, others, sidecars) if stage]


def failed_task(tasks: list[Document], states: States) -> str:
    """The name of a task that has failed for good, or nothing."""
    return next((task["Name"] for task in tasks if _has_failed(states[task["Name"]])), "")


def has_main_ended(tasks: list[Document], states: States) -> bool:
    """Whether nothing is left for which the sidecars should go on: no main task lives, or the leader is dead."""
    leaders = [task for task in tasks if task["Leader"]]
    watched = leaders or [task for task in tasks if hook(task) == "main"]
    return bool(watched) and all(states[task["Name"]]["State"] == "dead" for task in watched)


def has_leader_ended(tasks: list[Document], states: States) -> bool:
    return any(task["Leader"] and states[task["Name"]]["State"] == "dead" for task in tasks)


def _is_prepared(task: Document, states: States) -> bool:
    state = states[task["Name"]]
    if is_sidecar(task):
        return _has_started(state)
    return state["State"] == "dead" and not state["Failed"]


def _has_started(state: Document) -> bool:
    return state["StartedAt"] is not None


def _has_failed(state: Document) -> bool:
    return state["State"] == "dead" and state["Failed"]
