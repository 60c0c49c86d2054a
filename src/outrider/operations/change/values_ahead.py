"""What a plan tells of the values that a spec reads: those that are not there, and those that a deploy takes along."""

from __future__ import annotations

from typing import TYPE_CHECKING

from outrider_ground.errors import OutriderError

from outrider.operations.answers.values import changed
from outrider.operations.concurrency import in_turns
from outrider.spec.readings import readings

if TYPE_CHECKING:
    from collections.abc import Collection

    from outrider.operations.environment import Environment
    from outrider.spec.references import Reference
    from outrider.spec.service import Service


async def value_warnings(environment: Environment, spec: Service, makes: Collection[Reference] = ()) -> tuple[str, ...]:
    """One line each. What may not be read, or does not answer, is warned of by nobody: whether it is there is not known.

    What the deployment ``makes`` itself does not lack.
    """
    found = readings(spec)
    needed = dict.fromkeys(one.reference for one in found if not one.may_lack and one.reference not in makes)

    async def is_missing(reference: Reference) -> bool:
        return await _is_missing(environment, reference)

    missing = [name for name, lacks in zip(needed, await in_turns(is_missing, [*needed]), strict=True) if lacks]
    waits = (f"{name} does not exist: every new allocation waits for it before its app starts" for name in missing)
    known = environment.values.of(spec.service)
    pending = [one for one in known.pending if one.state == "pending"] if known else []
    taken = dict.fromkeys(f"{changed(one)}; allocations that are replaced take it" for one in pending)
    return (*waits, *taken)


async def _is_missing(environment: Environment, reference: Reference) -> bool:
    try:
        if reference.store == "consul" and "@" not in reference.path:
            return await environment.in_time(environment.consul.key(reference.path), "Consul") is None
        if reference.store == "nomad_variable":
            path, _, namespace = reference.path.partition("@")
            asked = environment.nomad.variable(path, namespace or None)
            return await environment.in_time(asked, "Nomad") is None
    except OutriderError:
        return False
    return False
