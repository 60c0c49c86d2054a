"""The difference of two versions of a job as Nomad's plan shows it: fields, objects, groups, tasks (pure)."""

from __future__ import annotations

from typing import Any

from outrider_embedded.scheduler.difference_fields import (
    flat,
    object_diff,
    paired_diffs,
    set_diffs,
    text_set_diff,
    typed_fields,
)
from outrider_embedded.scheduler.documents import Document, fields, rows

_JOB = (
    "AllAtOnce",
    "ConsulNamespace",
    "Dispatched",
    "Meta",
    "Name",
    "Namespace",
    "NodePool",
    "ParentID",
    "Priority",
    "Region",
    "Stop",
    "Type",
    "VaultNamespace",
)
_GROUP = ("Count", "Meta", "PreventRescheduleOnLost")
_GROUP_OBJECTS = ("RestartPolicy", "Migrate", "ReschedulePolicy", "EphemeralDisk", "Update")
_TASK = ("Driver", "Env", "KillSignal", "KillTimeout", "Kind", "Leader", "Meta", "ShutdownDelay", "User")
_SERVICE = (
    "Address",
    "AddressMode",
    "CanaryMeta",
    "Cluster",
    "EnableTagOverride",
    "Kind",
    "Meta",
    "Name",
    "Namespace",
    "OnUpdate",
    "PortLabel",
    "Provider",
    "TaskName",
)


def job_diff(old: Document | None, new: Document, *, is_contextual: bool) -> Document:
    """What ``new`` changes; with context, a changed object shows its unchanged fields as well."""
    before = old or {}
    fields = typed_fields(flat(before, _JOB), flat(new, _JOB), is_contextual=False)
    objects = [text_set_diff("Datacenters", before.get("Datacenters"), new["Datacenters"])]
    objects += set_diffs("Constraint", before.get("Constraints"), new["Constraints"], is_contextual)
    objects = [one for one in objects if one is not None]
    groups = _group_diffs(rows(before.get("TaskGroups")), new["TaskGroups"], is_contextual)
    has_changed = bool(fields or objects or any(group["Type"] != "None" for group in groups))
    return {
        "Fields": fields or None,
        "ID": new["ID"],
        "Objects": objects or None,
        "TaskGroups": groups,
        "Type": ("Edited" if has_changed else "None") if old else "Added",
    }


def _by_name(documents: list[Document]) -> dict[str, Document]:
    return {document["Name"]: document for document in documents}


def _group_diffs(old: list[Document], new: list[Document], is_contextual: bool) -> list[Document]:  # noqa: FBT001
    before, after = _by_name(old), _by_name(new)
    return [_group_diff(before.get(name), after.get(name), is_contextual) for name in sorted({*before, *after})]


def _group_diff(old: Document | None, new: Document | None, is_contextual: bool) -> Document:  # noqa: FBT001
    before, after = old or {}, new or {}
    flat_before, flat_after = flat(before, _GROUP), flat(after, _GROUP)
    if old and new:
        flat_before["ShutdownDelay"] = _text(before["ShutdownDelay"])
        flat_after["ShutdownDelay"] = _text(after["ShutdownDelay"])
    objects = set_diffs("Constraint", before.get("Constraints"), after.get("Constraints"), is_contextual)
    for name in _GROUP_OBJECTS:
        hidden = ("Stagger",) if name == "Update" else ()
        objects.append(object_diff(name, before.get(name), after.get(name), is_contextual, hidden))
    objects += _network_diffs(rows(before.get("Networks")), rows(after.get("Networks")), is_contextual)
    objects += _service_diffs(rows(before.get("Services")), rows(after.get("Services")), is_contextual)
    found = [one for one in objects if one is not None]
    return {
        "Fields": typed_fields(flat_before, flat_after, is_contextual=False) or None,
        "Name": (new or old or {})["Name"],
        "Objects": found or None,
        "Tasks": _task_diffs(rows(before.get("Tasks")), rows(after.get("Tasks")), is_contextual) or None,
        "Type": _type(old, new),
        "Updates": None,
    }


def _type(old: Document | None, new: Document | None) -> str:
    if not old or not new:
        return "Added" if new else "Deleted"
    return "None" if old == new else "Edited"


def _text(value: Any) -> str:
    return "" if value is None else str(value)


def _task_diffs(old: list[Document], new: list[Document], is_contextual: bool) -> list[Document]:  # noqa: FBT001
    before, after = _by_name(old), _by_name(new)
    return [_task_diff(before.get(name), after.get(name), is_contextual) for name in sorted({*before, *after})]


def _task_diff(old: Document | None, new: Document | None, is_contextual: bool) -> Document:  # noqa: FBT001
    before, after = old or {}, new or {}
    objects = set_diffs("Constraint", before.get("Constraints"), after.get("Constraints"), is_contextual)
    for name in ("Config", "Resources", "LogConfig"):
        objects.append(object_diff(name, before.get(name), after.get(name), is_contextual))
    objects += set_diffs("Artifact", before.get("Artifacts"), after.get("Artifacts"), is_contextual)
    objects += _service_diffs(rows(before.get("Services")), rows(after.get("Services")), is_contextual)
    objects += _template_diffs(rows(before.get("Templates")), rows(after.get("Templates")), is_contextual)
    objects.append(_identity_diff(before.get("Identity"), after.get("Identity"), is_contextual))
    found = [one for one in objects if one is not None]
    return {
        "Annotations": None,
        "Fields": typed_fields(flat(before, _TASK), flat(after, _TASK), is_contextual=False) or None,
        "Name": (new or old or {})["Name"],
        "Objects": found or None,
        "Type": _type(old, new),
    }


def _network_diffs(old: list[Document], new: list[Document], is_contextual: bool) -> list[Document | None]:  # noqa: FBT001
    pairs = [
        (old[i] if i < len(old) else None, new[i] if i < len(new) else None) for i in range(max(len(old), len(new)))
    ]
    return [_network_diff(before, after, is_contextual) for before, after in pairs]


def _network_diff(old: Document | None, new: Document | None, is_contextual: bool) -> Document | None:  # noqa: FBT001
    before, after = _network_fields(old), _network_fields(new)
    ports: list[Document | None] = []
    for kind, name in (("ReservedPorts", "Static Port"), ("DynamicPorts", "Dynamic Port")):
        fixed = kind == "ReservedPorts"
        olds = [_port(one, fixed) for one in rows(fields(old).get(kind))]
        news = [_port(one, fixed) for one in rows(fields(new).get(kind))]
        ports += set_diffs(name, olds, news, is_contextual)
    return object_diff("Network", before, after, is_contextual, nested=ports)


def _network_fields(network: Document | None) -> Document | None:
    if network is None:
        return None
    return {"Hostname": network.get("Hostname", ""), "Mode": network["Mode"]}


def _port(port: Document, is_fixed: bool) -> Document:  # noqa: FBT001
    shown = {"HostNetwork": port["HostNetwork"], "Label": port["Label"], "To": port.get("To", 0)}
    return shown | ({"Value": port["Value"]} if is_fixed else {})


def _service_diffs(old: list[Document], new: list[Document], is_contextual: bool) -> list[Document | None]:  # noqa: FBT001
    pairs = paired_diffs(old, new, ("Name", "PortLabel"))
    return [_service_diff(before, after, is_contextual) for before, after in pairs]


def _service_diff(old: Document | None, new: Document | None, is_contextual: bool) -> Document | None:  # noqa: FBT001
    nested: list[Document | None] = [
        text_set_diff(name, fields(old).get(name), fields(new).get(name)) for name in ("CanaryTags", "Tags")
    ]
    checks = paired_diffs(rows(fields(old).get("Checks")), rows(fields(new).get("Checks")), ("Name", "Type"))
    nested += [object_diff("Check", before, after, is_contextual) for before, after in checks]
    before = {name: old[name] for name in _SERVICE} if old else None
    after = {name: new[name] for name in _SERVICE} if new else None
    return object_diff("Service", before, after, is_contextual, nested=nested)


def _template_diffs(old: list[Document], new: list[Document], is_contextual: bool) -> list[Document | None]:  # noqa: FBT001
    pairs = paired_diffs(old, new, ("DestPath",))
    return [object_diff("Template", before, after, is_contextual) for before, after in pairs]


def _identity_diff(old: Document | None, new: Document | None, is_contextual: bool) -> Document | None:  # noqa: FBT001
    audience = text_set_diff("Audience", fields(old).get("Audience"), fields(new).get("Audience"))
    return object_diff("Identity", old, new, is_contextual, ("Audience",), nested=[audience])
