"""How the values that a job reads look before it is registered: what changes while it starts is seen as a change then."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from outrider_ground.errors import OutriderError

from outrider.operations.concurrency import in_turns
from outrider.operations.records import Seen
from outrider.operations.values.groups import Group
from outrider.operations.values.job_references import job_references
from outrider.operations.values.judgement import BLUR
from outrider.operations.values.sighting import sighting
from outrider.operations.values.sources import ConsulKeys, NomadVariables

if TYPE_CHECKING:
    from outrider.documents import Json
    from outrider.operations.environment import Environment
    from outrider.operations.values.sighting import Told
    from outrider.spec.references import Reference


async def note_values(environment: Environment, job: Json) -> None:
    """Remember how they look, of those that nobody follows yet: a value is followed only from a while after its reader runs.

    What does not answer is left to whoever follows it later. Vault is not asked: of some secrets each question makes one.
    """
    found = job_references(job) - environment.values.sightings.keys()
    new = sorted(one for one in found if one.store != "vault")
    key = await environment.store.values.key() if new else b""

    async def note(reference: Reference) -> None:
        await _note(environment, reference, key)

    await in_turns(note, new)


async def _note(environment: Environment, reference: Reference, key: bytes) -> None:
    try:
        told = await environment.in_time(_told(environment, reference), "Where values are kept")
    except OutriderError:
        return
    found = sighting(key, str(reference), told)
    if found.fingerprint:
        # It has changed before now, and whatever starts from now on reads it: no blur of clocks makes that uncertain.
        seen = Seen(found.fingerprint, datetime.now(UTC) - BLUR)
        await environment.store.values.add_sighting(environment.name, reference, seen)


async def _told(environment: Environment, reference: Reference) -> Told:
    is_variable = reference.store == "nomad_variable"
    source = NomadVariables(environment.nomad) if is_variable else ConsulKeys(environment.consul)
    path = source.path(reference)
    told, _ = await source.ask(Group(path, (path,), is_exact=not path.endswith("/")), 0, 0)
    return (told or {})[path]
