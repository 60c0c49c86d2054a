"""Which parts of what is rendered a deployment takes along: the service's always, the sidecar's only with cause."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from outrider.nomad.version import differing, kept
from outrider.operations.running import parts_in, version_hash

if TYPE_CHECKING:
    from outrider.operations.ports import Json
    from outrider.operations.records import Version
    from outrider.operations.render import Rendered
    from outrider.operations.running import Running


@dataclass(frozen=True, slots=True)
class Part:
    """The hash of a part: as it runs (None where nothing of ours does), as it will run, and as rendered today."""

    running: str | None
    planned: str
    today: str


@dataclass(frozen=True, slots=True)
class Chosen:
    """What is registered and stored: today's rendering, or what runs with only its numbers and words changed.

    ``older`` names where the sidecar that stays differs from today's, and is empty where today's is taken.
    """

    job: Json
    service: Part
    sidecar: Part
    is_kept: bool = False
    older: tuple[str, ...] = ()

    @property
    def hash(self) -> str:
        """The version that will run."""
        return version_hash(self.job) or ""


def is_same_service(result: Rendered, now: Running) -> bool:
    """Whether the service's part is the one that runs, or ran last."""
    return now.parts is not None and now.parts.service == result.parts.service


def chosen(result: Rendered, now: Running, running: tuple[Json | None, Version | None], *, is_replaced: bool) -> Chosen:
    """The sidecar's part stays as it runs, unless the service's part changes or ``is_replaced`` asks for today's.

    ``running`` is the job as Nomad has it and the stored version that it is, as far as they are known.
    """
    document, base = running
    stays = now.is_live and is_same_service(result, now) and not is_replaced
    is_todays = now.hash == result.parts.version
    if document is None or not stays or (is_todays and base is None):
        return _chosen(result, now, result.job)
    known = base.job if base else document
    if is_todays:  # the same sources, which another build of zlib may have packed into other bytes
        return _chosen(result, now, kept(known, result.job))
    older = differing(known, result.job) if base else ()
    return _chosen(result, now, kept(known, result.job), older or ("the tasks beside the app",))


def _chosen(result: Rendered, now: Running, job: Json, older: tuple[str, ...] = ()) -> Chosen:
    planned, before, today = parts_in(job) or result.parts, now.parts, result.parts
    return Chosen(
        job=job,
        service=Part(before.service if before else None, planned.service, today.service),
        sidecar=Part(before.sidecar if before else None, planned.sidecar, today.sidecar),
        is_kept=bool(older),
        older=older,
    )
