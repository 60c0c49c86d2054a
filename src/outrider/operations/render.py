"""From the text that a developer wrote to the two foreign documents; no server is asked here."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from outrider.envoy.bootstrap import bootstrap
from outrider.envoy.document import sampled, template
from outrider.errors import SpecError
from outrider.nomad.job import job
from outrider.spec.reading import read_service
from outrider.topology import names
from outrider.topology.resolve import topology
from outrider.topology.version import Parts

if TYPE_CHECKING:
    from collections.abc import Mapping

    from outrider.operations.ports import Json
    from outrider.spec.platform import Platform
    from outrider.spec.reading import ServiceFile
    from outrider.spec.service import Service
    from outrider.topology.sidecar import Artifact, CarriedAgent, Topology


@dataclass(frozen=True, slots=True)
class Source:
    """A service spec as it was handed in; ``directory`` is the packed directory that it runs, where it runs one."""

    text: str
    file: str = "outrider.yaml"
    directory: Artifact | None = None


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a spec is rendered into; ``protocols`` is what is known of the services that it may call.

    ``agent`` is what a job of the mesh carries where the platform does not say where the agent lies.
    """

    platform: Platform
    environment: str
    protocols: Mapping[str, str]
    agent: CarriedAgent | None = None


@dataclass(frozen=True, slots=True)
class Rendered:
    """A spec with all that follows from it in one environment; ``service.count`` is None where it is left out.

    ``bootstrap`` has sample ports, as Envoy can validate it; ``template`` is what the job carries. Both are None for a
    service outside the mesh.
    """

    service: Service
    topology: Topology
    count: int
    bootstrap: Json | None
    template: str | None
    job: Json

    @property
    def parts(self) -> Parts:
        """The hashes of the service's and the sidecar's part, as the job's meta has them."""
        meta = self.job["Meta"]
        return Parts(meta[names.JOB_META_SERVICE], meta[names.JOB_META_SIDECAR])

    @property
    def merged(self) -> Json:
        """The spec of this environment as JSON, defaults filled in, and with the content of the patches it names."""
        sidecar = self.topology.sidecar
        chosen = sidecar.patches if sidecar else ()
        patches = {each.name: each.patch.model_dump(mode="json") for each in chosen}
        return {**self.service.model_dump(mode="json"), "patches": patches}

    @property
    def beyond_defaults(self) -> Json:
        """The same with only the fields whose value is not their default."""
        return self.service.model_dump(mode="json", exclude_defaults=True)

    @property
    def stated(self) -> Json:
        """The same with only the fields that the file states."""
        return self.service.model_dump(mode="json", exclude_unset=True)


def read(source: Source, surroundings: Surroundings) -> ServiceFile:
    """The spec of the environment; an environment in it that looks like a misspelt one of the platform is refused."""
    known = tuple(surroundings.platform.environments)
    return read_service(source.text, source.file, surroundings.environment, known=known)


def rendered(
    source: Source, surroundings: Surroundings, running_count: int | None = None, *, keeps_count: bool = False
) -> Rendered:
    """Render a spec; a count that it leaves out is the one that runs now, and 1 at first. SpecError, with places.

    With ``keeps_count`` the one that runs is kept, whatever the spec says.
    """
    written = read(source, surroundings)
    service = written.service
    wanted = running_count if keeps_count or service.count is None else service.count
    count = 1 if wanted is None else wanted
    try:
        resolved = topology(
            service.model_copy(update={"count": count}),
            surroundings.platform,
            surroundings.environment,
            protocols=surroundings.protocols,
            directory=source.directory,
            agent=surroundings.agent,
        )
        document = bootstrap(resolved) if resolved.sidecar else None
    except SpecError as error:
        raise SpecError(written.located(error.problems)) from error
    text = template(document) if document is not None else None
    return Rendered(
        service=service,
        topology=resolved,
        count=count,
        bootstrap=sampled(document) if document is not None else None,
        template=text,
        job=job(resolved, text),
    )
