"""A registered deployment that is followed at a Nomad which shows what a test has put down."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from fakes.asked_nomad import NomadThatWasAsked, a_rollout
from fakes.consul_catalog import CatalogInMemory
from fakes.driving import Records, place
from fakes.shown import a_deployment
from fakes.world import HURRY

from outrider.operations.drive.follow import Following
from outrider.operations.drive.progress import Verdict
from outrider.operations.environment import WatchLimits
from outrider.operations.records import Deployment

Json = dict[str, Any]
CALM = replace(HURRY, look=0.002, placement=60.0, stall=60.0, promotion=60.0, appearance=0.01, silence=60.0)
WELL: Json = {"DeploymentStatus": {"Healthy": True}}
BAD: Json = {"DeploymentStatus": {"Healthy": False}}
NO_ROOM: Json = {"web": {"NodesEvaluated": 1, "ConstraintFiltered": {"${attr.kernel.name} = plan9": 1}}}
CANARY: Json = {"DesiredCanaries": 1, "PlacedCanaries": ["00000001-0000"], "Promoted": False}
DONE = a_rollout("successful", healthy=2)


class Watched:
    """One deployment that is followed at a Nomad which shows these, and what came of it."""

    def __init__(
        self, *deployments: Json, allocations: list[list[Json]] | None = None, limits: WatchLimits = CALM, **known: Any
    ) -> None:
        facts: Json = {"state": "pending", "modify_index": 20, "count": 2, "previous": 1, **known}
        self.deployment: Deployment = a_deployment("checkout", **facts)
        self.records = Records(self.deployment)
        self.nomad = NomadThatWasAsked(allocations or [[]], [*deployments] or None)
        self.limits = limits
        self.consul = CatalogInMemory()

    async def verdict(self) -> Verdict:
        here = place(self.nomad, self.records, consul=self.consul, limits=self.limits)
        return await Following(here, self.deployment).verdict()

    @property
    def kept(self) -> Deployment:
        return self.records.kept[self.deployment.id]

    def told(self, kind: str) -> list[str]:
        return [line for one, line, _ in self.records.told if one == kind]
