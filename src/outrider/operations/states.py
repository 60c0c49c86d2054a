"""The words for a deployment: which kinds of change there are, what may stop one, and which states one may be in."""

from __future__ import annotations

from typing import Literal, get_args

Kind = Literal[
    "run", "redeploy", "start", "rollback", "scale", "restart", "stop", "remove", "values", "promote", "fail", "release"
]
BlockerName = Literal[
    "deploying",  # another change of the service is under way
    "freeze",  # somebody has frozen the service, its team or the environment
    "rejected",  # somebody has rejected this version, or its own failure has
    "unhealthy",  # it does not run well where it comes from
    "soak",  # it has not run long enough where it comes from
    "approval",  # another person has to agree
    "consul",  # Consul is away
    "edited",  # it would undo an edit that was made elsewhere
]
State = Literal["pending", "running", "waiting", "successful", "failed", "not_placed", "superseded"]

BLOCKERS: tuple[BlockerName, ...] = get_args(BlockerName)
ENDING: frozenset[Kind] = frozenset({"stop", "remove"})
"""Changes after which nothing of the service runs."""
DECISIONS: frozenset[Kind] = frozenset({"promote", "fail"})
"""Changes that decide on another one, and register nothing."""
FINAL: frozenset[State] = frozenset({"successful", "failed", "not_placed", "superseded"})
