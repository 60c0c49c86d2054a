"""What a change is made of: a spec as it came, what it is rendered into, and what of that is taken; data only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from outrider.documents import Json
from outrider.nomad.read.job import RunningJob, version_hash
from outrider.operations.answers.plan import Part
from outrider.operations.version_source import VersionSource
from outrider.spec.platform import Platform
from outrider.spec.references import Reference
from outrider.spec.service import Service
from outrider.spec.stored import StoredSpec
from outrider.topology import names
from outrider.topology.parts import Parts
from outrider.topology.sidecar import Artifact, CarriedAgent
from outrider.topology.topology import Topology


@dataclass(frozen=True, slots=True)
class Text:
    """A service spec as a face hands it in; ``artifact`` is the SHA-256 of its packed directory, uploaded before.

    ``protocols`` is what the specs speak that are deployed together with it. ``source`` is where it came from, as far as
    whoever sends it says. ``makes`` is what is kept somewhere before it is deployed, and need not be there yet.
    """

    spec: str
    file: str = "outrider.yaml"
    artifact: str | None = None
    protocols: Mapping[str, str] = field(default_factory=dict[str, str])
    source: VersionSource | None = None
    makes: frozenset[Reference] = frozenset()


@dataclass(frozen=True, slots=True)
class Source:
    """A service spec as it was handed in; ``directory`` is the packed directory that it runs, where it runs one.

    ``protocols`` is what the specs speak that are deployed together with it: they count more than what is there.
    ``origin`` is where the text came from, as far as somebody said; ``makes`` as in the text.
    """

    text: str
    file: str = "outrider.yaml"
    directory: Artifact | None = None
    protocols: Mapping[str, str] = field(default_factory=dict[str, str])
    origin: VersionSource | None = None
    makes: frozenset[Reference] = frozenset()


@dataclass(frozen=True, slots=True)
class RenderContext:
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

    def is_same_service(self, now: RunningJob) -> bool:
        """Whether the service's part is the one that runs, or ran last."""
        return now.parts is not None and now.parts.service == self.parts.service

    @property
    def stored(self) -> StoredSpec:
        """The spec of this environment as it is stored, with the content of the patches that it names."""
        sidecar = self.topology.sidecar
        return StoredSpec(self.service, {each.name: each.patch for each in sidecar.patches} if sidecar else {})

    @property
    def stated(self) -> Json:
        """Its JSON with only the fields that the file states."""
        return self.service.model_dump(mode="json", exclude_unset=True)


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
