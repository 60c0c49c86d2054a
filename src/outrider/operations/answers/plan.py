"""What a deployment would do, as it is shown before it is done."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from outrider.operations.answers.blockers import Blocker

Sign = Literal["+", "-", "~"]


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
class Plan:
    """What ``run`` would change; ``check_index`` makes it do just that or nothing.

    ``allocations`` has Nomad's numbers by group (place, destructive, in_place, stop, ignore, canary). ``failures``
    says where no node was found, ``refusals`` what Envoy has against the bootstrap: with refusals nothing is deployed.
    ``restarts_nothing`` tells that the job in Nomad stays as it is, to the letter. ``retry`` says why the version that
    is registered already is deployed again, and is empty where nothing asks for it. ``older`` names where the sidecar
    that stays differs from the one that the platform and this Outrider make today. ``blockers`` is what would stop it now.
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
    blockers: tuple[Blocker, ...] = ()
