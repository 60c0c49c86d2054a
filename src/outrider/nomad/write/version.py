"""Versions in a rendered group: what of it is hashed, where the hash goes, and a group that keeps what runs."""

from __future__ import annotations

from outrider.documents import Json
from outrider.topology import names

# What Nomad changes without touching an allocation: numbers, strategies, and the entry in Consul.
STRATEGIES = ("Update", "Migrate")
BESIDE = ("Count", "Services", *STRATEGIES)
METAS = ("Meta", "CanaryMeta")
# Of our own marks in Consul the team alone is the developer's word; the others speak of what runs.
RUNNING_META = names.OWN_META - {names.META_TEAM}


def in_allocation(group: Json) -> Json:
    """The part of a rendered group that an allocation is made of."""
    return {key: value for key, value in group.items() if key not in BESIDE}


def versioned(group: Json, version: str) -> Json:
    """The group with the version in its slots: a variable of the app, and the meta of its entry in Consul."""
    services = [_marked(service, version) for service in group.get("Services", ())]
    tasks = [_told(task, version) for task in group["Tasks"]]
    return group | ({"Services": services} if services else {}) | {"Tasks": tasks}


def kept(running: Json, fresh: Json) -> Json:
    """The job that runs, with the count, the strategy and the developer's words in Consul of the fresh one.

    Both are jobs of one service. Checks stay as they run, since they go to the sidecar that runs.
    """
    group, wanted = running["TaskGroups"][0], fresh["TaskGroups"][0]
    pairs = zip(group.get("Services") or (), wanted.get("Services") or (), strict=False)
    services = [_reworded(service, new) for service, new in pairs]
    numbers = {key: wanted[key] for key in ("Count", *STRATEGIES) if key in wanted}
    own = {key: running[key] for key in fresh}  # without what Nomad's own document adds
    return own | {"TaskGroups": [group | numbers | ({"Services": services} if services else {})]}


def differing(running: Json, fresh: Json) -> tuple[str, ...]:
    """Where the allocations of two jobs differ, as ``envoy.Templates``: names of tasks and fields only."""
    before, after = _fields(running["TaskGroups"][0]), _fields(fresh["TaskGroups"][0])
    return tuple(place for place in sorted({*before, *after}) if before.get(place) != after.get(place))


def _fields(group: Json) -> dict[str, object]:
    """The fields of the group and of its tasks by their place, without versions."""
    blank = versioned(group, names.VERSION_SLOT)
    own = {key: value for key, value in in_allocation(blank).items() if key != "Tasks"}
    tasks = {f"{task['Name']}.{key}": value for task in blank["Tasks"] for key, value in task.items()}
    return own | tasks


def _marked(service: Json, version: str) -> Json:
    return service | {key: service[key] | {names.META_VERSION: version} for key in METAS if key in service}


def _told(task: Json, version: str) -> Json:
    if names.VERSION_VARIABLE not in (task.get("Env") or {}):
        return task
    return task | {"Env": task["Env"] | {names.VERSION_VARIABLE: version}}


def _reworded(running: Json, fresh: Json) -> Json:
    metas = {key: _meta(running.get(key) or {}, fresh.get(key) or {}) for key in METAS}
    return running | {key: fresh[key] for key in ("Tags", "CanaryTags")} | metas


def _meta(running: Json, fresh: Json) -> Json:
    words = {key: value for key, value in fresh.items() if key not in RUNNING_META}
    return words | {key: value for key, value in running.items() if key in RUNNING_META}
