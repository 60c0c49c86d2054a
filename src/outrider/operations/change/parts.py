"""Which parts of what is rendered a deployment takes along: the service's always, the sidecar's only with cause."""

from __future__ import annotations

from typing import TYPE_CHECKING

from outrider.nomad.read.job import parts_in
from outrider.nomad.write.version import differing, kept
from outrider.operations.answers.plan import Part
from outrider.operations.change.documents import Chosen, Rendered

if TYPE_CHECKING:
    from outrider.documents import Json
    from outrider.nomad.read.job import RunningJob
    from outrider.operations.records import Version


def chosen(
    result: Rendered, now: RunningJob, running: tuple[Json | None, Version | None], *, is_replaced: bool
) -> Chosen:
    """The sidecar's part stays as it runs, unless the service's part changes or ``is_replaced`` asks for today's.

    ``running`` is the job as Nomad has it and the stored version that it is, as far as they are known.
    """
    document, base = running
    stays = now.is_live and result.is_same_service(now) and not is_replaced
    is_todays = now.hash == result.parts.version
    if document is None or not stays or (is_todays and base is None):
        return _chosen(result, now, result.job)
    known = base.job if base else document
    if is_todays:  # the same sources, which another build of zlib may have packed into other bytes
        return _chosen(result, now, kept(known, result.job))
    older = differing(known, result.job) if base else ()
    return _chosen(result, now, kept(known, result.job), older or ("the tasks beside the app",))


def _chosen(result: Rendered, now: RunningJob, job: Json, older: tuple[str, ...] = ()) -> Chosen:
    planned, before, today = parts_in(job) or result.parts, now.parts, result.parts
    return Chosen(
        job=job,
        service=Part(before.service if before else None, planned.service, today.service),
        sidecar=Part(before.sidecar if before else None, planned.sidecar, today.sidecar),
        is_kept=bool(older),
        older=older,
    )
