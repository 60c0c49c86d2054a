"""Who calls whom, and what flows."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class TrafficEdge:
    """A call that is declared, or was measured, or both; the figures are None where nothing was measured."""

    source: str
    target: str
    protocol: str | None
    declared: bool
    requests_per_second: float | None = None
    error_share: float | None = None
    p50_ms: float | None = None
    p99_ms: float | None = None


@dataclass(frozen=True, slots=True)
class TrafficGraph:
    """All edges of an environment, by source and target; ``problem`` says what could not be measured."""

    environment: str
    window_s: float
    edges: tuple[TrafficEdge, ...]
    problem: str | None = None
