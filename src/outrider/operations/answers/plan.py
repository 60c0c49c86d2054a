"""What a deployment would do, as it is shown before it is done."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal

from outrider.operations.answers.blockers import Blocker
from outrider.operations.answers.rollout import Around, Rollout

Sign = Literal["+", "-", "~"]
PLAN: Final = "outrider.plan/1"
"""The form of a plan as a document. The number rises when a field goes or means something else, not when one is added."""


@dataclass(frozen=True, slots=True)
class Change:
    """One field that a deployment would change; ``path`` is dotted as in the spec, values are as one writes them there."""

    sign: Sign
    path: str
    before: Any
    after: Any
    note: str = ""


@dataclass(frozen=True, slots=True)
class Part:
    """The hash of a part: as it runs (None where nothing of ours does), as it will run, and as rendered today."""

    running: str | None
    planned: str
    today: str


@dataclass(frozen=True, slots=True)
class Basis:
    """What a plan stands on: where one of these is another later, it is told by its name. Hashes say nothing of their content.

    ``documents`` is of all that would be registered, ``cluster`` of the servers that it is for, ``platform`` of the
    environment's part of the platform file, ``patches`` of each named patch. ``protocols`` are those of the upstreams.
    """

    documents: str = ""
    running: str | None = None
    cluster: str = ""
    platform: str = ""
    outrider: str = ""
    agent: str | None = None
    artifact: str | None = None
    patches: Mapping[str, str] = field(default_factory=dict[str, str])
    protocols: Mapping[str, str] = field(default_factory=dict[str, str])


@dataclass(frozen=True, slots=True)
class Raw:
    """Every place of the bootstrap and of the job that would be another, as ``static_resources.clusters[payments].type``."""

    bootstrap: tuple[Change, ...] = ()
    job: tuple[Change, ...] = ()


@dataclass(frozen=True, slots=True)
class PlatformPart:
    """What the platform file says otherwise for this environment than when the version that runs was made, by its fields.

    ``version`` is that version. ``is_taken`` tells whether the deployment brings it, ``is_without_effect`` that the documents
    of this service are the same under both, ``is_known`` is false where an older Outrider has stored that version.
    """

    version: int
    changes: tuple[Change, ...] = ()
    is_taken: bool = False
    is_without_effect: bool = False
    is_known: bool = True


@dataclass(frozen=True, slots=True)
class Plan:
    """What ``run`` would change; ``check_index`` makes it do just that or nothing.

    ``allocations`` has Nomad's numbers by group (place, destructive, in_place, stop, ignore, canary), those of the first
    step; ``rollout`` has all steps. ``failures`` says where no node was found, ``refusals`` what Envoy has against the
    bootstrap: with refusals nothing is deployed. ``restarts_nothing`` tells that the job in Nomad stays as it is, to the
    letter. ``retry`` says why the version that is registered already is deployed again, and is empty where nothing asks for
    it. ``older`` names where the sidecar that stays differs from the one that the platform and this Outrider make today.
    ``sidecar`` is what changes in Envoy's bootstrap in the words of the mesh, ``places`` how many places of it change, and
    ``raw`` these places and those of the job, where they were asked for. ``blockers`` is what would stop it now.
    ``platform`` is the platform file's part; None where nothing runs to compare it with.
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
    schema: str = PLAN
    rollout: Rollout = field(default_factory=Rollout)
    sidecar: tuple[Change, ...] = ()
    places: int = 0
    around: Around = field(default_factory=Around)
    basis: Basis = field(default_factory=Basis)
    raw: Raw | None = None
    blockers: tuple[Blocker, ...] = ()
    platform: PlatformPart | None = None
