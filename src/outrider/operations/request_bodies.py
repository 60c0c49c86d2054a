"""What the API is asked: the bodies of its requests as models, which the portal reads and clients send."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

MOST_SPEC = 1_000_000
MOST_SPECS = 2_000
# The columns hold no more, and neither Nomad's indexes nor our numbers come near.
MOST_INTEGER = 2**31 - 1
MOST_INDEX = 2**63 - 1
MOST_COUNT = 10_000
MOST_REASON = 2_000
Sha256 = Annotated[str, Field(pattern="^[0-9a-f]{64}$")]


class Body(BaseModel):
    """A body of ours: fields that nobody knows are refused, not dropped."""

    model_config = ConfigDict(extra="forbid")


class ChangeBody(Body):
    """What every change may say of itself."""

    reason: Annotated[str, Field(max_length=MOST_REASON, description="Why, for the history.")] = ""
    overrides: Annotated[
        tuple[str, ...], Field(max_length=16, description="Names of blockers to go past; needs a reason.")
    ] = ()


class SubjectBody(Body):
    """A service, a team's services, or the whole environment."""

    scope: Literal["service", "team", "environment"]
    name: Annotated[str, Field(min_length=1, max_length=512)]


class FreezeBody(SubjectBody):
    """What is frozen, why and until when."""

    reason: Annotated[str, Field(max_length=MOST_REASON)]
    until: Annotated[AwareDatetime, Field(description="With its zone.")]


class RejectBody(Body):
    """Why the version shall not run again."""

    reason: Annotated[str, Field(max_length=MOST_REASON)]


class SourceBody(Body):
    """Where a spec file lies."""

    path: Annotated[str, Field(max_length=4096, description="From the root of its repository, or of the machine.")] = ""
    repository: Annotated[str | None, Field(max_length=2048, description="Address, without credentials.")] = None
    commit: Annotated[str | None, Field(max_length=128)] = None
    has_changes: Annotated[bool, Field(description="The file is not as the commit has it.")] = False
    run: Annotated[str | None, Field(max_length=2048, description="Page of the CI run.")] = None


class SpecBody(Body):
    """A service spec to plan."""

    spec: Annotated[str, Field(max_length=MOST_SPEC, description="The YAML text.")]
    file: Annotated[str, Field(max_length=4096, description="Its name, for messages.")] = "outrider.yaml"
    artifact: Annotated[Sha256 | None, Field(description="SHA-256 of the packed directory, uploaded before.")] = None
    source: SourceBody | None = None
    redeploy: Annotated[bool, Field(description="Take today's sidecar even where the service does not change.")] = False


class BasisBody(Body):
    """What a saved plan stands on, as the portal told it then."""

    documents: str
    running: str | None = None
    cluster: str
    platform: str
    outrider: str
    agent: str | None = None
    artifact: str | None = None
    patches: dict[str, str] = {}
    protocols: dict[str, str] = {}


class DeployBody(SpecBody, ChangeBody):
    """A service spec to deploy."""

    check_index: Annotated[
        int | None, Field(ge=0, le=MOST_INDEX, description="Deploy only if the plan still holds.")
    ] = None
    take_over: Annotated[bool, Field(description="Replace a job that Outrider did not deploy.")] = False
    basis: Annotated[
        BasisBody | None, Field(description="`basis` of a plan: deploy exactly that, or say what has moved.")
    ] = None


class SideBody(Body):
    """One side of a comparison: a spec's text, else a version of a service; without a number the one that runs."""

    environment: str
    service: str = ""
    version: Annotated[int | None, Field(ge=1, le=MOST_INTEGER)] = None
    spec: Annotated[str | None, Field(max_length=MOST_SPEC)] = None
    file: Annotated[str, Field(max_length=4096)] = "outrider.yaml"
    artifact: Sha256 | None = None


class DiffBody(Body):
    """What is compared with what."""

    before: SideBody
    after: SideBody


class SpecEntry(Body):
    """One of several service specs."""

    spec: Annotated[str, Field(max_length=MOST_SPEC, description="The YAML text.")]
    file: Annotated[str, Field(max_length=4096, description="Its name, for messages.")] = "outrider.yaml"
    artifact: Annotated[Sha256 | None, Field(description="SHA-256 of the packed directory, uploaded before.")] = None
    source: SourceBody | None = None


class BatchBody(Body):
    """Several service specs to plan as one."""

    specs: Annotated[tuple[SpecEntry, ...], Field(min_length=1, max_length=MOST_SPECS, description="In any order.")]
    redeploy: Annotated[bool, Field(description="Take today's sidecars even where a service does not change.")] = False


class DeployBatchBody(BatchBody, ChangeBody):
    """Several service specs to deploy as one plan."""

    take_over: Annotated[bool, Field(description="Replace jobs that Outrider did not deploy.")] = False


class ReleasePlanBody(Body):
    """Where what is released comes from."""

    source: Annotated[
        str | None, Field(max_length=63, description="The environment; left out: `release.after` of the platform file.")
    ] = None


class ReleaseBody(ReleasePlanBody, ChangeBody):
    """A release of what runs in another environment."""


class ApprovalBody(ReleasePlanBody):
    """Which version somebody approves, and why."""

    version: Annotated[int | None, Field(ge=1, le=MOST_INTEGER, description="Left out: what runs there.")] = None
    reason: Annotated[str, Field(min_length=1, max_length=MOST_REASON)]


class RollbackBody(ChangeBody):
    """Which version to bring back; left out: the one before."""

    version: Annotated[int | None, Field(ge=1, le=MOST_INTEGER)] = None
    with_platform: Annotated[bool, Field(description="Its spec with today's platform file and Outrider.")] = False


class ScaleBody(ChangeBody):
    """How many allocations."""

    count: Annotated[int, Field(ge=0, le=MOST_COUNT)]


class RestartBody(ChangeBody):
    """What to restart; left out: all allocations, by the service's own update rules."""

    allocation: Annotated[str | None, Field(min_length=1, max_length=36, description="The beginning of an id.")] = None
    task: Annotated[str | None, Field(min_length=1, max_length=128, description="Restart this task where it is.")] = (
        None
    )
    all_at_once: Annotated[bool, Field(description="Wait for nobody in between.")] = False


class StopBody(ChangeBody):
    """Whether Nomad forgets the job too."""

    purge: bool = False


class KnobsBody(Body):
    """An upstream's settings as one writes them in the spec; ``default`` takes one away, what is left out stays."""

    timeout: Annotated[str | None, Field(max_length=32)] = None
    retries: Annotated[int | Literal["default"] | None, Field()] = None
    limit: Annotated[int | Literal["default"] | None, Field()] = None
    stream: bool | None = None
    protocol: Annotated[str | None, Field(max_length=16)] = None
    keep_alive: Annotated[str | None, Field(max_length=32)] = None
    address: Annotated[str | None, Field(max_length=300)] = None
    tls: bool | None = None

    @property
    def said(self) -> dict[str, Any]:
        """Those that were given."""
        return {name: value for name, value in self.model_dump().items() if value is not None}


class EditBody(ChangeBody):
    """How an edit of a stored version is meant; with ``version`` and ``check_index`` it is done only if they still hold."""

    environment_only: Annotated[bool, Field(description="Write it for this environment alone.")] = False
    version: Annotated[int | None, Field(ge=1, le=MOST_INTEGER)] = None
    check_index: Annotated[int | None, Field(ge=0, le=MOST_INDEX)] = None


class ConnectBody(EditBody):
    """Which service it shall call, and with which knobs."""

    callee: Annotated[str, Field(max_length=63)]
    knobs: KnobsBody = KnobsBody()


class DisconnectBody(EditBody):
    """Which service it shall not call any more."""

    callee: Annotated[str, Field(max_length=63)]


class AddBody(ChangeBody):
    """A new service of the catalogue, and those that shall use it."""

    addon: Annotated[str, Field(max_length=63)]
    name: Annotated[str, Field(max_length=63)]
    parameters: Annotated[dict[str, str], Field(max_length=64)] = {}
    to: Annotated[tuple[str, ...], Field(max_length=32)] = ()
    check_index: Annotated[int | None, Field(ge=0, le=MOST_INDEX)] = None


class RemoveBody(ChangeBody):
    """Which add-on the service is, and whether its passwords are forgotten too."""

    addon: Annotated[str, Field(max_length=63)]
    with_passwords: bool = False


class AttachBody(EditBody):
    """Which add-on a service shall use."""

    addon: Annotated[str, Field(max_length=63)]
    name: Annotated[str, Field(max_length=63)]
    parameters: Annotated[dict[str, str], Field(max_length=64)] = {}
