"""What deploying several services as one plan would do, as it is shown before it is done."""

from __future__ import annotations

from dataclasses import dataclass

from outrider.operations.answers.plan import Plan


@dataclass(frozen=True, slots=True)
class BatchStep:
    """Services that begin together once those in ``after`` are up; several call each other in a circle."""

    services: tuple[str, ...]
    after: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Total:
    """How many services would be new, would change or would stay, and Nomad's numbers over all of their groups."""

    new: int
    changed: int
    unchanged: int
    allocations: dict[str, int]


@dataclass(frozen=True, slots=True)
class BatchPlan:
    """What deploying several specs would do: ``plans`` in the order of ``steps``, callees first."""

    environment: str
    steps: tuple[BatchStep, ...]
    plans: tuple[Plan, ...]
    total: Total

    @property
    def has_changes(self) -> bool:
        """Whether any of them would change."""
        return any(one.has_changes for one in self.plans)

    @property
    def is_refused(self) -> bool:
        """Whether Envoy refuses one of them, so that nothing would be deployed."""
        return any(one.refusals for one in self.plans)
