"""From the text that a developer wrote to the two foreign documents; no server is asked here."""

from __future__ import annotations

from typing import TYPE_CHECKING

from outrider_ground.errors import SpecError

from outrider.envoy.bootstrap import bootstrap
from outrider.envoy.document import sampled, template
from outrider.nomad.write.job import job
from outrider.operations.change.documents import RenderContext, Rendered, Source
from outrider.spec.reading.files import read_service
from outrider.topology.resolve import topology

if TYPE_CHECKING:
    from collections.abc import Mapping

    from outrider.documents import Json
    from outrider.spec.platform import Platform
    from outrider.spec.reading.files import ServiceFile
    from outrider.spec.service import Service
    from outrider.topology.topology import Topology


def read(source: Source, context: RenderContext) -> ServiceFile:
    """The spec of the environment; an environment in it that looks like a misspelt one of the platform is refused."""
    known = tuple(context.platform.environments)
    return read_service(source.text, source.file, context.environment, known=known)


def rendered(
    source: Source, context: RenderContext, running_count: int | None = None, *, keeps_count: bool = False
) -> Rendered:
    """Render a spec; a count that it leaves out is the one that runs now, and 1 at first. SpecError, with places.

    With ``keeps_count`` the one that runs is kept, whatever the spec says.
    """
    return rendered_file(read(source, context), source, context, running_count, keeps_count=keeps_count)


def rendered_file(
    written: ServiceFile, source: Source, context: RenderContext, running_count: int | None, *, keeps_count: bool
) -> Rendered:
    """The same of a source that was read already."""
    service = written.service
    wanted = running_count if keeps_count or service.count is None else service.count
    count = 1 if wanted is None else wanted
    try:
        resolved = topology(
            service.model_copy(update={"count": count}),
            context.platform,
            context.environment,
            protocols=context.protocols,
            directory=source.directory,
            agent=context.agent,
        )
        document = bootstrap(resolved) if resolved.sidecar else None
    except SpecError as error:
        raise SpecError(written.located(error.problems)) from error
    return _rendered(service, resolved, document)


def documents_of(service: Service, platform: Platform, environment: str, protocols: Mapping[str, str]) -> Rendered:
    """The documents of a spec that was read before, in that environment. SpecError as it comes, without places."""
    resolved = topology(service, platform, environment, protocols=protocols)
    return _rendered(service, resolved, bootstrap(resolved) if resolved.sidecar else None)


def _rendered(service: Service, resolved: Topology, document: Json | None) -> Rendered:
    text = template(document) if document is not None else None
    return Rendered(
        service=service,
        topology=resolved,
        count=1 if resolved.count is None else resolved.count,
        bootstrap=sampled(document) if document is not None else None,
        template=text,
        job=job(resolved, text),
    )
