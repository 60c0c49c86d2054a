"""Which versions and deployments of a service may be forgotten: a pure function of what is stored and what Nomad knows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from outrider.operations.records import Deployment, Past

ALWAYS_KEPT = 20
"""So many of the newest deployments of a service stay whatever their age."""


@dataclass(frozen=True, slots=True)
class Bounds:
    """How many of the newest versions are kept, and since when deployments are."""

    versions: int
    since: datetime


@dataclass(frozen=True, slots=True)
class Forgettable:
    """Numbers of versions and ids of deployments."""

    versions: frozenset[int]
    deployments: frozenset[str]

    def __bool__(self) -> bool:
        return bool(self.versions or self.deployments)


def forgettable(past: Past, bounds: Bounds, hashes: frozenset[str]) -> Forgettable:
    """What may go: never what runs, ran last, is under way, rejected, or named by a deployment that stays.

    ``hashes`` are those of the versions that Nomad knows, as jobs that run or as older ones that it could revert to.
    """
    recent = _recent(past.deployments, bounds)
    numbers = sorted((one.number for one in past.versions), reverse=True)
    kept = set(numbers[: bounds.versions]) | past.marked | {one.number for one in past.versions if one.hash in hashes}
    kept |= {number for one in recent for number in (one.version, one.previous) if number is not None}
    kept_deployments = {one.id for one in (*recent, *_brought_up(past.deployments, kept))}
    # A deployment that stays for the sake of one version may name another one as what ran before.
    kept |= {one.previous for one in past.deployments if one.id in kept_deployments and one.previous is not None}
    return Forgettable(
        frozenset(set(numbers) - kept), frozenset({one.id for one in past.deployments} - kept_deployments)
    )


def _recent(deployments: Iterable[Deployment], bounds: Bounds) -> list[Deployment]:
    """Those under way, young, or among the newest, and the last one that brought something up."""
    newest = sorted(deployments, key=lambda one: one.created_at, reverse=True)
    good = [one for one in newest if _has_brought_up(one)][:1]
    return [
        one
        for place, one in enumerate(newest)
        if place < ALWAYS_KEPT or not one.is_final or (one.ended_at or one.created_at) >= bounds.since or one in good
    ]


def _brought_up(deployments: Iterable[Deployment], kept: set[int]) -> list[Deployment]:
    """For each version that stays the last deployment that Nomad took, and the last that succeeded: they say that it ran."""
    last: dict[tuple[int, bool], Deployment] = {}
    for one in sorted(deployments, key=lambda one: one.created_at):
        if one.version in kept and one.modify_index is not None:
            last[one.version, one.state == "successful"] = one
    return list(last.values())


def _has_brought_up(one: Deployment) -> bool:
    return one.state == "successful" and one.modify_index is not None and one.version is not None
