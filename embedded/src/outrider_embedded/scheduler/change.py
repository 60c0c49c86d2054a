"""Whether a job's change means new processes for a group, or can be taken over in place (pure)."""

from __future__ import annotations

from outrider_embedded.scheduler.documents import Document, fields, rows

_GROUP = ("EphemeralDisk", "Networks", "Consul", "Volumes")
_TASK = (
    "Driver",
    "User",
    "Config",
    "Env",
    "Artifacts",
    "Vault",
    "Secrets",
    "Consul",
    "Templates",
    "CSIPluginConfig",
    "VolumeMounts",
    "Resources",
    "Identity",
    "Identities",
)


def is_destructive(before: Document, after: Document, name: str) -> bool:
    """Whether the group of that name needs new processes to become what ``after`` says."""
    old, new = _group(before, name), _group(after, name)
    if old is None or new is None:
        return True
    return _group_view(before, old) != _group_view(after, new)


def is_changed(before: Document, after: Document) -> bool:
    """Whether two canonical jobs differ in anything that a person wrote."""
    return _spec(before) != _spec(after)


_BOOKKEEPING = (
    "Status",
    "StatusDescription",
    "Stable",
    "Version",
    "CreateIndex",
    "ModifyIndex",
    "JobModifyIndex",
    "SubmitTime",
    "NomadTokenID",
    "VersionTag",
)


def _spec(job: Document) -> Document:
    return {name: value for name, value in job.items() if name not in _BOOKKEEPING}


def _group(job: Document, name: str) -> Document | None:
    return next((group for group in job["TaskGroups"] if group["Name"] == name), None)


def _group_view(job: Document, group: Document) -> Document:
    """What the running processes of a group depend on."""
    view = {name: group[name] for name in _GROUP}
    view["Connect"] = [service["Connect"] for service in rows(group["Services"]) if service["Connect"]]
    view["Tasks"] = {task["Name"]: _task_view(job, group, task) for task in group["Tasks"]}
    return view


def _task_view(job: Document, group: Document, task: Document) -> Document:
    view = {name: task[name] or None for name in _TASK}
    view["Meta"] = {**fields(job["Meta"]), **fields(group["Meta"]), **fields(task["Meta"])}
    view["Disabled"] = task["LogConfig"]["Disabled"]
    view["RenderTemplates"] = task["RestartPolicy"]["RenderTemplates"]
    return view
