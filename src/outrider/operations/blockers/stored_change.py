"""The change that a stored version would be."""

from __future__ import annotations

from typing import TYPE_CHECKING

from outrider.nomad.read.job import parts_in
from outrider.operations.blockers.change import Change
from outrider.operations.stored_specs import readable_spec

if TYPE_CHECKING:
    from outrider.operations.records import Version
    from outrider.operations.states import Kind


def change_to(version: Version | None, service: str, kind: Kind, by: str, running: int | None = None) -> Change:
    """A change to a version that is stored; of None one that brings no known version up."""
    if version is None:
        return Change(service, kind, by, running=running)
    parts = parts_in(version.job)
    return Change(
        service=service,
        kind=kind,
        by=by,
        hash=version.hash,
        part=parts.service if parts else None,
        number=version.number,
        spec=readable_spec(version)[0],
        running=running,
    )
