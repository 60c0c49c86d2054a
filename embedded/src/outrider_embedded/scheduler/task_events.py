"""Events and states of tasks as Nomad writes them: builders, one per thing that happens to a task (pure)."""

from __future__ import annotations

import signal
import time
from typing import Any

from outrider_embedded.scheduler.documents import Document
from outrider_embedded.scheduler.times import duration_text, stamp

_MAX_EVENTS = 10
_MOST_MISSING = 3

_EMPTY: Document = {
    "Details": {},
    "DiskLimit": 0,
    "DisplayMessage": "",
    "DownloadError": "",
    "DriverError": "",
    "DriverMessage": "",
    "ExitCode": 0,
    "FailedSibling": "",
    "FailsTask": False,
    "GenericSource": "",
    "KillError": "",
    "KillReason": "",
    "KillTimeout": 0,
    "Message": "",
    "RestartReason": "",
    "SetupError": "",
    "Signal": 0,
    "StartDelay": 0,
    "TaskSignal": "",
    "TaskSignalReason": "",
    "ValidationError": "",
    "VaultError": "",
}

PENDING: Document = {
    "Events": [],
    "Failed": False,
    "FinishedAt": None,
    "LastRestart": None,
    "Paused": "",
    "Restarts": 0,
    "StartedAt": None,
    "State": "pending",
}
"""The state of a task that has not started."""


def with_event(state: Document, event: Document, **changes: Any) -> Document:
    """The state with one event more (the last ten are kept) and some fields changed."""
    return {**state, **changes, "Events": [*state["Events"], event][-_MAX_EVENTS:]}


def _event(kind: str, display: str, details: Document | None = None, **fields: Any) -> Document:
    now = time.time_ns()
    return {**_EMPTY, "Type": kind, "DisplayMessage": display, "Details": details or {}, "Time": now, **fields}


def received() -> Document:
    return _event("Received", "Task received by client")


def setup(message: str) -> Document:
    return _event("Task Setup", message, {"message": message}, Message=message)


def started() -> Document:
    return _event("Started", "Task started by client")


def terminated(code: int, number: int) -> Document:
    """A process that ended with an exit code, or by a signal (then code is 128 + signal)."""
    details = {"exit_code": str(code), "signal": str(number), "oom_killed": "false"}
    display = f"Exit Code: {code}" + (f", Signal: {number}" if number else "")
    return _event("Terminated", display, details, ExitCode=code, Signal=number)


def restarting(delay_ns: int, reason: str) -> Document:
    details = {"start_delay": str(delay_ns), "restart_reason": reason}
    display = f"Task restarting in {duration_text(delay_ns)}"
    return _event("Restarting", display, details, StartDelay=delay_ns, RestartReason=reason)


def not_restarting(reason: str) -> Document:
    details = {"restart_reason": reason, "fails_task": "true"}
    return _event("Not Restarting", reason, details, RestartReason=reason, FailsTask=True)


def restart_signaled(reason: str) -> Document:
    return _event("Restart Signaled", reason, {"restart_reason": reason}, RestartReason=reason)


def signaling(name: str, reason: str) -> Document:
    details = {"task_signal": name, "task_signal_reason": reason}
    display = f"Task being sent signal {name}" + (f": {reason}" if reason else "")
    return _event("Signaling", display, details, TaskSignal=name, TaskSignalReason=reason)


def killing(timeout_ns: int) -> Document:
    timeout = duration_text(timeout_ns)
    display = f"Sent interrupt. Waiting {timeout} before force killing"
    return _event("Killing", display, {"kill_timeout": timeout}, KillTimeout=timeout_ns)


def killed() -> Document:
    return _event("Killed", "Task successfully killed")


def sibling_failed(name: str) -> Document:
    details = {"failed_sibling": name}
    return _event("Sibling Task Failed", f'Task\'s sibling "{name}" failed', details, FailedSibling=name)


def main_dead() -> Document:
    return _event("Main Tasks Dead", "Main tasks in the group died")


def leader_dead() -> Document:
    return _event("Leader Task Dead", "Leader Task in Group dead")


def driver_failure(message: str) -> Document:
    return _event("Driver Failure", message, {"driver_error": message}, DriverError=message)


def downloading() -> Document:
    return _event("Downloading Artifacts", "Client is downloading artifacts")


def download_failed(message: str) -> Document:
    details = {"download_error": message, "fails_task": "true"}
    return _event("Failed Artifact Download", message, details, DownloadError=message)


def hook_failed(message: str) -> Document:
    return _event("Task hook failed", message, {"message": message}, Message=message)


def setup_failed(message: str) -> Document:
    return _event("Setup Failure", message, {"setup_error": message}, SetupError=message)


def template_failed(message: str) -> Document:
    """A template that cannot be rendered: the task has failed for good, whatever its restart policy."""
    return _event("Killing", message, {"fails_task": "true"}, FailsTask=True)


def template_note(message: str) -> Document:
    """A word of the template runner: what it waits for, or that something was rendered anew."""
    return _event("Template", message, {"message": message}, Message=message)


def missing(what: list[str]) -> Document:
    """What templates wait for, as Nomad words it: the first three, and how many more."""
    told = what if len(what) <= _MOST_MISSING else [*what[:_MOST_MISSING], f"and {len(what) - _MOST_MISSING} more"]
    return template_note(f"Missing: {', '.join(told)}")


def unhealthy(message: str) -> Document:
    return _event("Alloc Unhealthy", message, {"message": message}, Message=message)


def signal_number(name: str, otherwise: signal.Signals = signal.SIGINT) -> signal.Signals:
    """The signal of a name like ``SIGTERM``; raw_exec sends SIGINT where none is named."""
    return signal.Signals[name] if name in signal.Signals.__members__ else otherwise


def now_stamp() -> str:
    return stamp()
