"""Whether something new comes into an environment from a file, past those that versions come from."""

from __future__ import annotations

from typing import TYPE_CHECKING

from outrider.nomad.read.job import parts_in

if TYPE_CHECKING:
    from outrider.operations.environment import Environment


async def is_new(environment: Environment, service: str, part: str | None, running: int | None) -> bool:
    """Whether that service part is another than the one of the version that runs: another count or link is nothing new."""
    if running is None or part is None:
        return True
    base = await environment.store.versions.numbered(environment.name, service, running)
    parts = parts_in(base.job) if base else None
    return parts is None or parts.service != part


def way_in(environment: Environment, service: str) -> str:
    """How it would come in as the environment asks."""
    after = environment.platform.environments[environment.name].release.after or "ENVIRONMENT"
    return f"`outrider release {service} --from {after} --to {environment.name}`, or whoever may override it"
