"""What would come from one environment to another, as it is shown before it is done."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from outrider.operations.answers.plan import Change, Plan
from outrider.operations.release_records import Approval

Resolved = Literal["written", "deployed", "now", "unknown"]


@dataclass(frozen=True, slots=True)
class ReleaseOrigin:
    """The version that runs where it comes from: since when, by whom, and what is wrong with it there (empty where nothing is)."""

    environment: str
    version: int
    hash: str
    count: int | None
    deployed_by: str
    running_since: datetime
    problem: str


@dataclass(frozen=True, slots=True)
class ReleaseImage:
    """The image as the spec names it, and the digest that it is pinned to; ``resolved`` says of when that is.

    ``written``: it stands in the spec. ``deployed``: the registry named it when the version was deployed there. ``now``: it
    names it now. ``unknown``: nobody can tell, and ``problem`` says why.
    """

    name: str
    digest: str | None
    resolved: Resolved
    problem: str = ""


@dataclass(frozen=True, slots=True)
class ReleasePlan:
    """What a release would do: ``differs`` is how the version is another there than here, ``plan`` what changes there.

    ``image`` and ``artifact`` are what stays the same: the image by its digest, a packed directory by its SHA-256.
    """

    service: str
    environment: str
    origin: ReleaseOrigin
    image: ReleaseImage | None
    artifact: str | None
    differs: tuple[Change, ...]
    approvals: tuple[Approval, ...]
    warnings: tuple[str, ...]
    plan: Plan
