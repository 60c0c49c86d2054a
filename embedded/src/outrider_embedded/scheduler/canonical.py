"""The canonical form of a job: every field that Nomad knows, filled with what it means where the caller is silent."""

from __future__ import annotations

from outrider_embedded.scheduler import blocks, defaults
from outrider_embedded.scheduler.documents import Document, fields, rows


def filled(table: Document, given: Document | None) -> Document:
    """Every field of ``table``, with the caller's value where there is one; fields the table lacks are dropped."""
    asked = given or {}
    return {name: default if asked.get(name) is None else asked[name] for name, default in table.items()}


def canonical_job(job: Document) -> Document:
    """The job as Nomad stores it, without indexes; ``job`` is the caller's ``Job`` object."""
    named = {**job, "Name": job.get("Name") or job.get("ID", "")}
    result = filled(defaults.JOB, named)
    update: Document = fields(job.get("Update"))
    result["Update"] = filled(defaults.JOB_UPDATE, {key: update.get(key) for key in ("Stagger", "MaxParallel")})
    result["Constraints"] = _constraints(job)
    result["TaskGroups"] = [_group(group, result, update) for group in rows(job.get("TaskGroups"))]
    return result


def _group(group: Document, job: Document, job_update: Document) -> Document:
    kind = job["Type"] if job["Type"] in defaults.RESTART else "service"
    result = filled(defaults.GROUP, group)
    result["RestartPolicy"] = filled(defaults.RESTART[kind], group.get("RestartPolicy"))
    result["ReschedulePolicy"] = filled(defaults.RESCHEDULE[kind], group.get("ReschedulePolicy"))
    result["EphemeralDisk"] = filled(defaults.EPHEMERAL_DISK, group.get("EphemeralDisk"))
    if kind == "service":
        result["Migrate"] = filled(defaults.MIGRATE, group.get("Migrate"))
        result["Update"] = filled(defaults.UPDATE, {**job_update, **fields(group.get("Update"))})
    elif group.get("Update"):
        result["Update"] = filled(defaults.UPDATE, group["Update"])
    result["Networks"] = [_network(network) for network in rows(group.get("Networks"))] or None
    result["Services"] = [_service(service, job, group, "") for service in rows(group.get("Services"))] or None
    volumes = fields(group.get("Volumes"))
    result["Volumes"] = {name: filled(blocks.VOLUME, one) for name, one in volumes.items()} or None
    result["Tasks"] = [_task(task, result, job) for task in rows(group.get("Tasks"))]
    result["Constraints"] = _constraints(group) or None
    result["Constraints"] = _with_implied_constraints(result)
    return result


def _task(task: Document, group: Document, job: Document) -> Document:
    result = filled(defaults.TASK, task)
    result["RestartPolicy"] = {**group["RestartPolicy"], **_said(task.get("RestartPolicy"))}
    result["Resources"] = filled(defaults.RESOURCES, task.get("Resources"))
    result["LogConfig"] = filled(defaults.LOG_CONFIG, task.get("LogConfig"))
    result["Identity"] = filled(defaults.IDENTITY, task.get("Identity"))
    result["Constraints"] = _constraints(task)
    result["Lifecycle"] = filled(blocks.LIFECYCLE, task["Lifecycle"]) if task.get("Lifecycle") else None
    result["Templates"] = [filled(blocks.TEMPLATE, template) for template in rows(task.get("Templates"))] or None
    result["Artifacts"] = [filled(blocks.ARTIFACT, artifact) for artifact in rows(task.get("Artifacts"))] or None
    result["VolumeMounts"] = [filled(blocks.VOLUME_MOUNT, one) for one in rows(task.get("VolumeMounts"))] or None
    services = [_service(service, job, group, result["Name"]) for service in rows(task.get("Services"))]
    result["Services"] = services or None
    return result


def _said(block: Document | None) -> Document:
    return {name: value for name, value in fields(block).items() if value is not None}


def _constraints(owner: Document) -> list[Document] | None:
    return [filled(blocks.CONSTRAINT, constraint) for constraint in rows(owner.get("Constraints"))] or None


def _network(network: Document) -> Document:
    """A group's network; Nomad writes only the fields that say something."""
    result = {key: value for key, value in network.items() if value}
    result["Mode"] = network.get("Mode") or "host"
    for kind in ("DynamicPorts", "ReservedPorts"):
        if network.get(kind):
            result[kind] = [_port(port) for port in network[kind]]
    return result


def _port(port: Document) -> Document:
    result = filled(blocks.PORT, {**port, "HostNetwork": port.get("HostNetwork") or None})
    return result | {key: port[key] for key in ("Value", "To") if port.get(key)}


def _service(service: Document, job: Document, group: Document, task: str) -> Document:
    result = filled(blocks.SERVICE, {**service, "AddressMode": service.get("AddressMode") or None})
    result["Provider"] = result["Provider"] or "consul"
    result["Cluster"] = "default" if result["Provider"] == "consul" else ""
    result["OnUpdate"] = result["OnUpdate"] or "require_healthy"
    result["TaskName"] = task or result["TaskName"]
    base = "-".join(part for part in (job["Name"], group["Name"], task) if part)
    result["Name"] = _service_name(result["Name"], job["Name"], group["Name"], task) or base
    checks = rows(service.get("Checks"))
    result["Checks"] = [_check(check, result["OnUpdate"]) for check in checks] or None
    return result


def _service_name(name: str, job: str, group: str, task: str) -> str:
    base = "-".join(part for part in (job, group, task) if part)
    for variable, value in (("${JOB}", job), ("${TASKGROUP}", group), ("${TASK}", task), ("${BASE}", base)):
        name = name.replace(variable, value)
    return name


def _check(check: Document, on_update: str) -> Document:
    result = filled(blocks.CHECK, check)
    return result | {"OnUpdate": check.get("OnUpdate") or on_update}


def _with_implied_constraints(group: Document) -> list[Document] | None:
    """The caller's constraints and those that Nomad adds for Consul services and for signals that tasks need."""
    constraints: list[Document] = list(rows(group["Constraints"]))
    constraints += [implied for implied in _implied(group) if implied not in constraints]
    return constraints or None


def _implied(group: Document) -> list[Document]:
    services = [service for owner in (group, *group["Tasks"]) for service in rows(owner["Services"])]
    implied: list[Document] = []
    signals = sorted({signal for task in group["Tasks"] for signal in _signals(task)})
    if signals:
        implied.append(_constraint("${attr.os.signals}", "set_contains", ",".join(signals)))
    if any(service["Provider"] == "consul" for service in services):
        implied.append(_constraint("${attr.consul.version}", "semver", ">= 1.8.0"))
    if any(service["Provider"] == "nomad" for service in services):
        implied.append(_constraint("${attr.nomad.service_discovery}", "=", "true"))
    return implied


def _signals(task: Document) -> list[str]:
    templates = [template["ChangeSignal"] for template in rows(task["Templates"]) if template["ChangeMode"] == "signal"]
    return [signal for signal in (task["KillSignal"], *templates) if signal]


def _constraint(left: str, operand: str, right: str) -> Document:
    return {"LTarget": left, "Operand": operand, "RTarget": right}
