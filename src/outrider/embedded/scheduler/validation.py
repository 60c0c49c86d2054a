"""What is wrong with a job before anything is done with it, in Nomad's words (pure)."""

from __future__ import annotations

from typing import Any

Document = dict[str, Any]

_TYPES = ("service", "batch", "system", "sysbatch")
_MIN_INTERVAL = 1_000_000_000


def listed(problems: list[str]) -> str:
    """Several problems in the form of Go's multierror."""
    count = f"{len(problems)} error{'s' if len(problems) > 1 else ''} occurred:"
    return count + "".join(f"\n\t* {problem}" for problem in problems) + "\n\n"


def job_problems(job: Document) -> list[str]:
    """Everything wrong with a canonical job; an empty list means it can be registered."""
    problems: list[str] = []
    if not job["ID"]:
        problems.append("Missing job ID")
    elif any(character in job["ID"] for character in " \0"):
        problems.append("Job ID contains a space" if " " in job["ID"] else "Job ID contains a null character")
    if not job["Name"]:
        problems.append("Missing job name")
    if job["Type"] not in _TYPES:
        problems.append(f'Invalid job type: "{job["Type"]}"')
    if not 1 <= job["Priority"] <= 100:  # noqa: PLR2004  # Nomad's bounds
        problems.append("Job priority must be between [1, 100]")
    if not job["TaskGroups"]:
        problems.append("Missing job task groups")
    problems += _doubles("Job task group", [group["Name"] for group in job["TaskGroups"]])
    for group in job["TaskGroups"]:
        found = group_problems(group, job)
        if found:
            problems.append(f"Task group {group['Name']} validation failed: {listed(found)}")
    return problems


def group_problems(group: Document, job: Document) -> list[str]:
    problems: list[str] = []
    if not group["Name"]:
        problems.append("Missing task group name")
    if group["Count"] < 0:
        problems.append("Task group count can't be negative")
    if not group["Tasks"]:
        problems.append("Missing tasks for task group")
    problems += _doubles("Task", [task["Name"] for task in group["Tasks"]])
    if sum(task["Leader"] for task in group["Tasks"]) > 1:
        problems.append("Only one task may be marked as leader")
    if group["Update"] and job["Type"] == "service":
        problems += _update_problems(group["Update"])
    problems += _port_problems(group)
    for task in group["Tasks"]:
        found = task_problems(task, group)
        if found:
            problems.append(f"Task {task['Name']} validation failed: {listed(found)}")
    if group["Tasks"] and not any(task["Lifecycle"] is None for task in group["Tasks"]):
        problems.append("Task group must have at least one main task")
    return problems


def task_problems(task: Document, group: Document) -> list[str]:
    problems: list[str] = []
    if not task["Name"]:
        problems.append("Missing task name")
    elif "/" in task["Name"]:
        problems.append("Task name cannot include slashes")
    if not task["Driver"]:
        problems.append("Missing task driver")
    if task["KillTimeout"] < 0:
        problems.append("KillTimeout must be a positive value")
    if task["Lifecycle"] and task["Lifecycle"]["Hook"] not in {"prestart", "poststart", "poststop"}:
        problems.append(f"invalid hook: {task['Lifecycle']['Hook']}")
    for template in task["Templates"] or []:
        problems += _template_problems(template)
    for service in (*(task["Services"] or []), *(group["Services"] or [])):
        problems += _check_problems(service)
    return problems


def _update_problems(update: Document) -> list[str]:
    problems: list[str] = []
    if update["MaxParallel"] < 0:
        problems.append(f"Max parallel can not be less than zero: {update['MaxParallel']} < 0")
    if update["Canary"] < 0:
        problems.append(f"Canary count can not be less than zero: {update['Canary']} < 0")
    if update["Canary"] == 0 and update["AutoPromote"]:
        problems.append("Auto Promote requires a Canary count greater than zero")
    if update["MinHealthyTime"] >= update["HealthyDeadline"]:
        problems.append("Minimum healthy time must be less than healthy deadline")
    if update["ProgressDeadline"] and update["HealthyDeadline"] >= update["ProgressDeadline"]:
        problems.append("Healthy deadline must be less than progress deadline")
    return problems


def _port_problems(group: Document) -> list[str]:
    problems: list[str] = []
    labels: list[str] = []
    numbers: dict[int, str] = {}
    for network in group["Networks"] or []:
        for port in (*network.get("ReservedPorts", []), *network.get("DynamicPorts", [])):
            labels.append(port["Label"])
            number = port.get("Value", 0)
            if number and number in numbers:
                problems.append(f"Static port {number} already reserved by {numbers[number]}")
            numbers[number] = port["Label"]
    problems += [f"Port label {label} already in use" for label in sorted({x for x in labels if labels.count(x) > 1})]
    return [*problems, *_label_problems(group, set(labels))]


def _label_problems(group: Document, labels: set[str]) -> list[str]:
    """Services that name a port which the group does not have."""
    return [
        f'Task group service "{service["Name"]}" references port label "{service["PortLabel"]}" which does not exist'
        for service in group["Services"] or []
        if service["PortLabel"] and not service["PortLabel"].isdecimal() and service["PortLabel"] not in labels
    ]


def _template_problems(template: Document) -> list[str]:
    problems: list[str] = []
    if not template["SourcePath"] and not template["EmbeddedTmpl"]:
        problems.append("Must specify a source path or have an embedded template")
    if not template["DestPath"]:
        problems.append("Must specify a destination for the template")
    if template["ChangeMode"] not in {"noop", "restart", "signal", "script"}:
        problems.append(f"Invalid change mode given: {template['ChangeMode']}")
    if template["ChangeMode"] == "signal" and not template["ChangeSignal"]:
        problems.append("Must specify signal value when change mode is signal")
    return problems


def _check_problems(service: Document) -> list[str]:
    problems: list[str] = []
    for check in service["Checks"] or []:
        if check["Type"] not in {"http", "tcp", "grpc", "script"}:
            problems.append(f'invalid type ("{check["Type"]}"), must be one of "http", "tcp", "grpc" or "script"')
        elif check["Interval"] < _MIN_INTERVAL:
            problems.append(f"interval ({check['Interval']}) can not be lower than 1s")
        elif check["Timeout"] < _MIN_INTERVAL:
            problems.append(f"timeout ({check['Timeout']}) is lower than required minimum timeout 1s")
    return [f"check {check!r} invalid" if not check else check for check in problems]


def _doubles(kind: str, names: list[str]) -> list[str]:
    return [
        f'{kind} "{name}" defined {names.count(name)} times' for name in sorted(set(names)) if names.count(name) > 1
    ]


def warnings(job: Document) -> str:
    """What a person should know of a job that can be registered all the same."""
    tasks = [task for group in job["TaskGroups"] for task in group["Tasks"] if task["Driver"] == "exec"]
    notes = [f'Task "{task["Name"]}": driver exec runs without isolation here, like raw_exec' for task in tasks]
    if not notes:
        return ""
    return f"{len(notes)} warning{'s' if len(notes) > 1 else ''}:\n\n" + "\n".join(f"* {note}" for note in notes)
