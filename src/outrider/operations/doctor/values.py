"""Which values that running services read the portal cannot watch: what its tokens may not see, and a Vault that does not serve."""

from __future__ import annotations

from collections.abc import Awaitable
from typing import TYPE_CHECKING

from outrider_ground.errors import OutriderError

from outrider.operations.concurrency import in_turns
from outrider.operations.doctor.findings import Finding, good, warning
from outrider.operations.values.job_references import job_references
from outrider.operations.values.refusal import is_refusal

if TYPE_CHECKING:
    from outrider.documents import Json
    from outrider.operations.nomad_port import Nomad
    from outrider.operations.ports import Consul, Vault
    from outrider.spec.references import Reference

MOST_SHOWN = 5
WHY = (
    "A changed value is then neither shown nor rolled out; allocations read it as before, and nothing else is affected."
)
NO_VAULT = "Set VAULT_ADDR and VAULT_TOKEN where the portal runs: a token that may read the metadata is enough."


async def value_findings(
    name: str, jobs: Awaitable[list[Json]], nomad: Nomad, consul: Consul, vault: Vault | None
) -> list[Finding]:
    """One for each kind of place; none where no service reads anything, or its jobs cannot be read, which is said elsewhere."""
    about = f"{name}: values"
    try:
        found = _references(await jobs)
    except OutriderError:
        return []
    kept = {kind: [one for one in found if one.store == kind] for kind in ("consul", "nomad_variable", "vault")}
    secrets = kept["vault"]
    if secrets and vault is None:
        said = warning(about, f"{len(secrets)} secrets of Vault are read, and the portal knows no Vault", WHY, NO_VAULT)
        return [said, *await _seen(about, kept["consul"] + kept["nomad_variable"], nomad, consul, None)]
    return [*await _sealed(about, secrets, vault), *await _seen(about, list(found), nomad, consul, vault)]


def _references(jobs: list[Json]) -> tuple[Reference, ...]:
    """All that jobs of ours read."""
    return tuple(sorted({reference for job in jobs for reference in job_references(job)}))


async def _sealed(about: str, secrets: list[Reference], vault: Vault | None) -> list[Finding]:
    if not secrets or vault is None:
        return []
    try:
        problem = await vault.health()
    except OutriderError as error:
        return [warning(about, error.message, WHY, error.next_step or NO_VAULT)]
    return [warning(about, f"Vault does not serve: {problem}", WHY, "Unseal it.")] if problem else []


async def _seen(about: str, found: list[Reference], nomad: Nomad, consul: Consul, vault: Vault | None) -> list[Finding]:
    async def is_hidden(reference: Reference) -> bool:
        return await _is_hidden(reference, nomad, consul, vault)

    hidden = [str(one) for one, is_so in zip(found, await in_turns(is_hidden, found), strict=True) if is_so]
    if hidden:
        more = f" and {len(hidden) - MOST_SHOWN} more" if len(hidden) > MOST_SHOWN else ""
        what = f"the portal may not read {', '.join(hidden[:MOST_SHOWN])}{more}"
        return [warning(about, what, WHY, "Give its tokens the rights that the how-to `Change a value` lists.")]
    return [good(about, f"{len(found)} values that services read can be watched")] if found else []


async def _is_hidden(reference: Reference, nomad: Nomad, consul: Consul, vault: Vault | None) -> bool:
    """Whether the server refuses; one that does not answer is found by other checks."""
    try:
        await _asked(reference, nomad, consul, vault)
    except OutriderError as error:
        return is_refusal(error)
    return False


async def _asked(reference: Reference, nomad: Nomad, consul: Consul, vault: Vault | None) -> None:
    path, _, namespace = reference.path.partition("@")
    asking: Awaitable[object] | None = None
    if reference.store == "consul":
        asking = consul.entries(reference.path, is_exact=True)
    elif reference.store == "nomad_variable":
        asking = nomad.variable(path, namespace or None)
    elif reference.store == "vault" and vault is not None and "/data/" in reference.path:
        asking = vault.look(reference.path)
    if asking is not None:
        await asking
