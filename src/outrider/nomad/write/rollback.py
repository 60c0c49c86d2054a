"""Jobs that ran before, as they are registered once more."""

from __future__ import annotations

import copy

from outrider.documents import Json, listed, nested, table
from outrider.topology import names


def rolled_back(job: Json, count: int) -> Json:
    """The version's job with that count and without a canary that a person would have to promote.

    Where all allocations may be replaced at once, the new ones start beside the old ones and are promoted by
    themselves, so that nothing is lost.
    """
    again = copy.deepcopy(job)
    group = again["TaskGroups"][0]
    update = nested(group, "Update")
    beside = count if _fits_beside(job) and count <= int(update.get("MaxParallel") or 1) else 0
    group["Count"] = count
    group["Update"] = update | {"Canary": beside, "AutoPromote": beside > 0}
    return again


def started_anew(job: Json, count: int) -> Json:
    """The version's job with that count, by its own rules: a canary that it says waits for a person."""
    update = nested(job["TaskGroups"][0], "Update")
    if not update.get("Canary") or update.get("AutoPromote"):
        return rolled_back(job, count)
    again = copy.deepcopy(job)
    again["TaskGroups"][0] |= {"Count": count, "Update": update | {"Canary": min(int(update["Canary"]), count)}}
    return again


def _fits_beside(job: Json) -> bool:
    """Not with a fixed port on the node, which the old one holds, nor with keys or a volume that two instances would share.

    The same rule by which a job is written first (``policy``), read from the job, since its spec may be of another format.
    """
    group = job["TaskGroups"][0]
    reserved = any(network.get("ReservedPorts") for network in listed(group, "Networks"))
    written = any(not volume.get("ReadOnly") for volume in table(group, "Volumes").values())
    return not reserved and not written and nested(job, "Meta").get(names.JOB_META_PROTOCOL) != "redis"
