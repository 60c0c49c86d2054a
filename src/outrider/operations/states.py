"""The words for a deployment: which kinds of change there are, and which states one may be in."""

from __future__ import annotations

from typing import Literal

Kind = Literal["run", "redeploy", "start", "rollback", "scale", "stop"]
State = Literal["pending", "running", "waiting", "successful", "failed", "not_placed", "superseded"]

FINAL: frozenset[State] = frozenset({"successful", "failed", "not_placed", "superseded"})
