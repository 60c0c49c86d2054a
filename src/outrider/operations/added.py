"""What is known of services that came from the catalogue: which add-on one is, whether it is still there, where its passwords lie."""

from __future__ import annotations

from typing import TYPE_CHECKING

from outrider_ground.errors import ConflictError, UsageError

from outrider.operations.states import ENDING
from outrider.operations.stored_specs import readable_spec
from outrider.spec.password_place import vault_of
from outrider.spec.readings import readings
from outrider.spec.shapes import near_miss

if TYPE_CHECKING:
    from collections.abc import Mapping

    from outrider.operations.environment import Environment
    from outrider.spec.addon import AddOn
    from outrider.spec.service import Service

ADD = "add"


def addon_named(known: Mapping[str, AddOn], name: str) -> AddOn:
    """That of the catalogue; UsageError with those that there are."""
    if name in known:
        return known[name]
    near = near_miss(name, tuple(known))
    hint = f"Did you mean {near}? " if near else ""
    raise UsageError(f"the catalogue has no add-on {name}", next_step=f"{hint}It has: {', '.join(known) or 'none'}.")


async def addon_of(environment: Environment, service: str) -> str | None:
    """Which add-on the service was added as last; None where it is none, "" where nobody has deployed it here."""
    versions = await environment.store.versions.summaries(environment.name, service)
    words = (one.source.edit.split() for one in versions if one.source)
    # What uses an add-on says ``add redis sessions``.
    return next((said[1] for said in words if len(said) == 2 and said[0] == ADD), None if versions else "")  # noqa: PLR2004


async def is_removed(environment: Environment, service: str) -> bool:
    """Whether it was taken away since it came up last."""
    done = await environment.store.deployments.newest(environment.name, service)
    last = next((one for one in done if one.kind in ENDING or one.modify_index is not None), None)
    return last is not None and last.kind == "remove"


async def is_there(environment: Environment, addon: str, name: str) -> bool:
    """Whether the name is that of such an add-on; ConflictError where it is that of anything else."""
    found = await addon_of(environment, name)
    if found == "" or await is_removed(environment, name):
        if await environment.nomad.job(name) is not None:
            raise ConflictError(
                f"Nomad has a job {name} that Outrider did not deploy", next_step="Choose another name."
            )
        return False
    if found != addon:
        raise ConflictError(
            f"{name} is another service in {environment.name} already", next_step="Choose another name."
        )
    return True


async def newest_spec(environment: Environment, service: str) -> Service | None:
    """That of its newest version, whatever became of it; None where there is none, or it cannot be read."""
    stored = readable_spec(await environment.store.versions.newest_version(environment.name, service))[0]
    return stored.service if stored else None


async def vault_below(environment: Environment, service: str) -> str | None:
    """Below which path of Vault its passwords lie: of one that is there by its spec, of a new one as the platform says; None: in Nomad."""
    newest = await environment.store.versions.newest_version(environment.name, service)
    if newest and not await is_removed(environment, service):
        stored = readable_spec(newest)[0]
        return vault_in(stored.service if stored else None)
    written = environment.platform.environments[environment.name].vault
    return written.addons if written else None


def vault_in(spec: Service | None) -> str | None:
    """Below which path of Vault the passwords of that spec's service lie; None: in Nomad."""
    if spec is None:
        return None
    paths = [one.reference.path for one in readings(spec) if one.reference.store == "vault"]
    return next((below for path in paths if (below := vault_of(path, spec.service))), None)
