"""What a deployment would change for its service: the spec that is to be deployed beside the one that runs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from outrider.operations.answers.plan import Change
from outrider.operations.differences import differences
from outrider.operations.stored_specs import readable_spec
from outrider.topology.version import BESIDE

if TYPE_CHECKING:
    from outrider.nomad.read.job import RunningJob
    from outrider.operations.change.documents import Chosen, Rendered
    from outrider.operations.records import Version
    from outrider.spec.stored import StoredSpec

CONTENT = "run.directory"


@dataclass(frozen=True, slots=True)
class Comparison:
    """What was rendered and what of it was chosen, with what runs; ``base`` is its stored version, where known.

    ``stored`` is that version's spec, ``unread`` why it cannot be read.
    """

    rendered: Rendered
    chosen: Chosen
    running: RunningJob
    base: Version | None
    stored: StoredSpec | None
    unread: str

    @property
    def is_same_service(self) -> bool:
        """Whether nothing of the service's part changes."""
        return self.rendered.is_same_service(self.running)

    @property
    def is_renewed(self) -> bool:
        """Whether the sidecar alone is replaced."""
        return self.is_same_service and self.chosen.sidecar.running != self.chosen.sidecar.planned


def comparison(made: Rendered, chosen: Chosen, now: RunningJob, base: Version | None) -> Comparison:
    """The spec as it was rendered, beside what runs."""
    return Comparison(made, chosen, now, base, *readable_spec(base))


def changes_of(compared: Comparison) -> tuple[Change, ...]:
    """The fields that differ, of a new service those that its file states; the count is compared with what runs."""
    result, now, stored = compared.rendered, compared.running, compared.stored
    counted = {"count": result.count}
    if not now.is_live:
        return differences({}, result.stated | counted)
    before = (stored.document if stored else {}) | {"count": now.count}
    found = differences(before, (result.stored.document if stored else result.stated) | counted)
    if compared.is_same_service:
        beside = (*BESIDE,) if stored else ("count",)
        return tuple(one for one in found if one.path.split(".", 1)[0] in beside)
    return (*found, *_content(compared))


def why_drifted(compared: Comparison) -> str:
    """Why the job differs though no field of the spec does."""
    if compared.base and not compared.is_same_service:
        return (
            f"the spec is that of version {compared.base.number}, but a service that it calls speaks another protocol"
        )
    return "the job in Nomad is not the one that Outrider made of this spec"


def _content(compared: Comparison) -> tuple[Change, ...]:
    """That a directory has other content than in the version that runs: no field of the spec tells it."""
    directory, base = compared.rendered.topology.directory, compared.base
    if directory is None or base is None or directory.sha256 in base.artifacts:
        return ()
    if compared.stored is None or not compared.stored.has_directory:
        return ()
    before, after = f"content of version {base.number}", f"content {directory.sha256[:12]}"
    return (Change("~", CONTENT, before, after, note="replaces allocations"),)
