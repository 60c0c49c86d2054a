"""What Consul says, or cannot say, of an allocation that did not become healthy."""

from __future__ import annotations

from typing import TYPE_CHECKING

from outrider_ground.errors import OutriderError

from outrider.consul.instances import allocation_of, failing_checks
from outrider.documents import listed, nested

if TYPE_CHECKING:
    from outrider.documents import Json
    from outrider.nomad.read.allocations import Allocation
    from outrider.operations.ports import Consul


async def unchecked(consul: Consul, service: str, one: Allocation, job: Json | None) -> str:
    """The checks that do not pass, that there are none, or that Consul is away; empty where all is well.

    Begins with a colon; ``job`` is the job as it was, None where that is not known.
    """
    if job is not None and not _is_registered(job):
        return ""
    try:
        entries, _ = await consul.health(service)
    except OutriderError as error:
        return f": Consul does not answer, and without it no check passes ({error.message})"
    own = [entry for entry in entries if allocation_of(str(nested(entry, "Service").get("ID", ""))) == one.id]
    failing = [check for entry in own for check in failing_checks(entry)]
    if failing:
        return f": {'; '.join(_said(check) for check in failing)}"
    is_awaited = job is not None and one.is_live and one.status == "running"
    return "" if own or not is_awaited else f": Consul has no registration of it: ask the Consul agent of {one.node}"


def _is_registered(job: Json) -> bool:
    return any(listed(group, "Services") for group in listed(job, "TaskGroups"))


def _said(check: Json) -> str:
    """A check that has not been run yet has no output."""
    output = str(check.get("Output", "")).strip()
    return f"{check.get('Name')}: {output or 'it has had no answer yet'}"
