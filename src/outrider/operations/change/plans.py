"""Plans as data: what a person is shown before a deployment, and what the deployment then goes by."""

from __future__ import annotations

from dataclasses import dataclass

from outrider.documents import Json
from outrider.nomad.read.job import Running
from outrider.operations.change.differences import Change
from outrider.operations.change.documents import Chosen, Part, Rendered, Source
from outrider.operations.records import Version


@dataclass(frozen=True, slots=True)
class Plan:
    """What ``run`` would change; ``check_index`` makes it do just that or nothing.

    ``allocations`` has Nomad's numbers by group (place, destructive, in_place, stop, ignore, canary). ``failures``
    says where no node was found, ``refusals`` what Envoy has against the bootstrap: with refusals nothing is deployed.
    ``restarts_nothing`` tells that the job in Nomad stays as it is, to the letter. ``retry`` says why the version that
    is registered already is deployed again, and is empty where nothing asks for it. ``older`` names where the sidecar
    that stays differs from the one that the platform and this Outrider make today.
    """

    service: str
    environment: str
    has_changes: bool
    check_index: int
    version_hash: str
    service_part: Part
    sidecar_part: Part
    older: tuple[str, ...]
    running_version: int | None
    changes: tuple[Change, ...]
    allocations: dict[str, dict[str, int]]
    warnings: tuple[str, ...]
    without_effect: tuple[str, ...]
    failures: tuple[str, ...]
    refusals: tuple[str, ...]
    restarts_nothing: bool
    is_foreign: bool
    retry: str = ""


@dataclass(frozen=True, slots=True)
class Prepared:
    """A plan with what it was made of; ``base`` is the stored version that runs now, where that is known.

    ``job`` is what is registered: the chosen one with the attempt that it is.
    """

    source: Source
    plan: Plan
    rendered: Rendered
    chosen: Chosen
    job: Json
    running: Running
    base: Version | None
