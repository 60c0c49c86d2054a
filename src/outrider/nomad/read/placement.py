"""Why Nomad found no node, as a sentence: pure reading of its FailedTGAllocs (AllocMetric in Nomad's API)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from outrider.documents import table

if TYPE_CHECKING:
    from outrider.documents import Json


def failures(document: Json | None) -> tuple[str, ...]:
    """One sentence per group that could not be placed, from a plan's or an evaluation's answer."""
    failed = table(document or {}, "FailedTGAllocs")
    return tuple(f"no node for {group}: {_reason(metric)}" for group, metric in sorted(failed.items()))


def _reason(metric: Json) -> str:
    parts = [
        *(f"{count} without {what}" for what, count in _sorted(metric, "ConstraintFiltered")),
        *(f"{count} of a class that does not fit ({what})" for what, count in _sorted(metric, "ClassFiltered")),
        *(f"{count} without enough {what}" for what, count in _sorted(metric, "DimensionExhausted")),
        *(f"quota exhausted: {what}" for what in _texts(metric, "QuotaExhausted")),
    ]
    evaluated = int(metric.get("NodesEvaluated") or 0)
    if not evaluated:
        return _no_candidates(metric)
    return f"{evaluated} node{'s' if evaluated != 1 else ''} considered: " + ("; ".join(parts) or "none has room")


def _no_candidates(metric: Json) -> str:
    available: dict[str, int] = metric.get("NodesAvailable") or {}
    if not any(available.values()):
        places = ", ".join(sorted(available)) or "the job's datacenters"
        return f"no ready node in {places}"
    return "no node is eligible"


def _sorted(metric: Json, key: str) -> list[tuple[str, int]]:
    counts: dict[str, int] = metric.get(key) or {}
    return sorted(counts.items())


def _texts(metric: Json, key: str) -> list[str]:
    found: list[str] | None = metric.get(key)
    return found or []
