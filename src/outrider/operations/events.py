"""One step of a deployment as a fact that faces render; the kinds that exist, and nothing about how they look."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from outrider.documents import Json

EventKind = Literal[
    "accepted",  # detail: kind, version, hash, count
    "validated",  # Envoy has accepted the bootstrap
    "registered",  # detail: modify_index, evaluation
    "evaluation",  # detail: status, failures
    "deployment",  # detail: nomad_deployment, desired, placed, healthy, unhealthy, canaries, progress_by
    "allocation",  # detail: allocation, node, index, status, healthy, canary, version, task, text
    "promotion",  # "needs promotion" or "promoted"; detail: needed (bool), by
    "resumed",  # a portal has taken the deployment up again
    "warning",
    "verdict",  # the last one; detail: state, placed, reason
]


@dataclass(frozen=True, slots=True)
class Event:
    """Event ``number`` (from 1, without gaps) of one deployment; ``message`` is a line for a person."""

    number: int
    at: datetime
    kind: EventKind
    message: str
    detail: Json
