"""What is wrong with a job before anything is done with it, in Nomad's words (pure)."""

from __future__ import annotations

from collections.abc import Iterable

from outrider_embedded.scheduler.documents import Document, rows
from outrider_embedded.scheduler.host_volumes import mount_problems, volume_problems
from outrider_embedded.scheduler.times import duration_text

_TYPES = ("service", "batch", "system", "sysbatch")
_LEAST_TIME = 1_000_000_000
_MAX_PRIORITY = 100
JOB_MAX_COUNT = 50_000


def listed(problems: list[str]) -> str:
    """Several problems in the form of Go's multierror."""
    count = f"{len(problems)} error{'s' if len(problems) > 1 else ''} occurred:"
    return count + "".join(f"\n\t* {problem}" for problem in problems) + "\n\n"


def nested(title: str, problems: list[str]) -> list[str]:
    """One problem that holds others, or none."""
    return [f"{title} validation failed: {listed(problems)}"] if problems else []


def job_problems(job: Document, *, has_vault: bool = False) -> list[str]:
    """Everything wrong with a canonical job; an empty list means it can be registered."""
    problems = _identity_problems(job)
    if job["Type"] not in _TYPES:
        problems.append(f'Invalid job type: "{job["Type"]}"')
    if not 1 <= job["Priority"] <= _MAX_PRIORITY:
        problems.append(f"Job priority must be between [1, {_MAX_PRIORITY}]")
    if not job["TaskGroups"]:
        problems.append("Missing job task groups")
    problems += redefined("Job task group", [group["Name"] for group in job["TaskGroups"]], "group")
    for group in job["TaskGroups"]:
        problems += nested(f"Task group {group['Name']}", group_problems(group, job))
    if not has_vault and any(task["Vault"] for group in job["TaskGroups"] for task in group["Tasks"]):
        problems.append('Vault "default" not enabled but used in the job')
    return problems + count_problems(group["Count"] for group in job["TaskGroups"])


def count_problems(counts: Iterable[int]) -> list[str]:
    """No job has more allocations than Nomad's servers allow where nobody says otherwise (server, job_max_count)."""
    total = sum(counts)
    if total <= JOB_MAX_COUNT:
        return []
    return [f"total count was greater than configured job_max_count: {total} > {JOB_MAX_COUNT}"]


def _identity_problems(job: Document) -> list[str]:
    problems: list[str] = []
    if not job["ID"]:
        problems.append("Missing job ID")
    elif " " in job["ID"]:
        problems.append("Job ID contains a space")
    elif "\0" in job["ID"]:
        problems.append("Job ID contains a null character")
    return problems


def redefined(kind: str, names: list[str], short: str) -> list[str]:
    """The second and later uses of a name."""
    seen: dict[str, int] = {}
    problems: list[str] = []
    for number, name in enumerate(names, 1):
        if name in seen:
            problems.append(f"{kind} {number} redefines '{name}' from {short} {seen[name]}")
        seen.setdefault(name, number)
    return problems


def group_problems(group: Document, job: Document) -> list[str]:
    problems: list[str] = []
    if not group["Name"]:
        problems.append("Missing task group name")
    if group["Count"] < 0:
        problems.append("Task group count can't be negative")
    if not group["Tasks"]:
        problems.append("Missing tasks for task group")
    problems += update_problems(group["Update"], job["Type"])
    problems += redefined("Task", [task["Name"] for task in group["Tasks"]], "task")
    if sum(task["Leader"] for task in group["Tasks"]) > 1:
        problems.append("Only one task may be marked as leader")
    problems += volume_problems(group)
    problems += nested("Task group network", _port_problems(group))
    problems += nested("Task group service", _service_problems(group["Services"]))
    for task in group["Tasks"]:
        problems += nested(f"Task {task['Name']}", task_problems(task) + mount_problems(task, group))
    return problems


def task_problems(task: Document) -> list[str]:
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
    templates: list[Document] = rows(task["Templates"])
    for number, template in enumerate(templates, 1):
        problems += nested(f"Template {number}", _template_problems(template))
    return problems + _service_problems(task["Services"])


def update_problems(update: Document | None, kind: str) -> list[str]:
    """Only services are updated in steps."""
    if update is None:
        return []
    if kind != "service":
        return [f'Job type "{kind}" does not allow update block']
    problems: list[str] = []
    least, healthy, progress = (update[name] for name in ("MinHealthyTime", "HealthyDeadline", "ProgressDeadline"))
    if update["MaxParallel"] < 0:
        problems.append(f"Max parallel can not be less than zero: {update['MaxParallel']} < 0")
    if update["Canary"] < 0:
        problems.append(f"Canary count can not be less than zero: {update['Canary']} < 0")
    if update["Canary"] == 0 and update["AutoPromote"]:
        problems.append("Auto Promote requires a Canary count greater than zero")
    if least >= healthy:
        problems.append(_not_less("Minimum healthy time", "healthy deadline", least, healthy))
    if progress and healthy >= progress:
        problems.append(_not_less("Healthy deadline", "progress deadline", healthy, progress))
    return problems


def _not_less(name: str, limit: str, value: int, most: int) -> str:
    return f"{name} must be less than {limit}: {duration_text(value)} > {duration_text(most)}"


def _port_problems(group: Document) -> list[str]:
    problems: list[str] = []
    labels: set[str] = set()
    numbers: dict[int, str] = {}
    for port in _ports(group):
        number: int = port.get("Value", 0)
        if number and number in numbers:
            problems.append(f"Static port {number} already reserved by taskgroup network:{numbers[number]}")
        if port["Label"] in labels:
            problems.append(f"Port label {port['Label']} already in use")
        labels.add(port["Label"])
        numbers.setdefault(number, port["Label"])
    return problems


def _ports(group: Document) -> list[Document]:
    networks: list[Document] = rows(group["Networks"])
    return [port for one in networks for port in (*one.get("ReservedPorts", []), *one.get("DynamicPorts", []))]


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


def _service_problems(services: list[Document] | None) -> list[str]:
    problems: list[str] = []
    for number, service in enumerate(services or []):
        checks: list[Document] = rows(service["Checks"])
        found = [problem for check in checks for problem in _check_problems(check, service)]
        problems += nested(f"Service[{number}] {service['Name']}", found)
    return problems


def _check_problems(check: Document, service: Document) -> list[str]:
    name = check["Name"] or f'service: "{service["Name"]}" check'
    problem = ""
    if check["Type"] not in {"http", "tcp", "grpc", "script"}:
        problem = f'invalid check type ("{check["Type"]}"), must be one of "grpc", "http", "script" or "tcp" type'
    elif check["Type"] == "http" and not check["Path"]:
        problem = "http type must have http path"
    elif check["Type"] == "script" and not check["Command"]:
        problem = "script type must have a valid script path"
    elif check["Interval"] < _LEAST_TIME:
        problem = f"interval ({duration_text(check['Interval'])}) cannot be lower than 1s"
    elif check["Timeout"] < _LEAST_TIME:
        problem = f"timeout ({duration_text(check['Timeout'])}) is lower than required minimum timeout 1s"
    return [f"Check {name} invalid: {problem}"] if problem else []


def warnings(job: Document) -> str:
    """What a person should know of a job that can be registered all the same."""
    notes = [note for group in job["TaskGroups"] for note in _group_notes(group)]
    if not notes:
        return ""
    return f"{len(notes)} warning{'s' if len(notes) > 1 else ''}:\n\n" + "\n".join(f"* {note}" for note in notes)


def _group_notes(group: Document) -> list[str]:
    notes = [
        f'task "{task["Name"]}": the driver exec runs without isolation here, like raw_exec'
        for task in group["Tasks"]
        if task["Driver"] == "exec"
    ]
    owners: list[Document] = [group, *group["Tasks"]]
    if any(one["Services"] for one in owners) and not any(one["ShutdownDelay"] for one in owners):
        name = group["Name"]
        note = f'group "{name}" defines services, but neither the group nor any of its tasks have shutdown_delay set'
        notes.append(note)
    return notes
