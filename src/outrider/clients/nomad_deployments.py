"""Nomad's calls about deployments: how one stands, and what a person decides about it."""

from __future__ import annotations

from typing import Any

from outrider.clients.blocking import blocking, waiting_s
from outrider.clients.http import Call
from outrider.clients.nomad_calls import NomadCalls


class NomadDeployments(NomadCalls):
    """The deployments of jobs."""

    async def deployment_of(self, job_id: str) -> dict[str, Any] | None:
        """The job's newest deployment; just after a register it may still be the one before: compare JobVersion."""
        return await self._get(("v1", "job", job_id, "deployment"))

    async def deployment(self, deployment_id: str, index: int = 0, wait_s: float = 0) -> tuple[dict[str, Any], int]:
        """The deployment and its index; waits up to `wait_s` for an index above `index`."""
        call = Call("GET", ("v1", "deployment", deployment_id), blocking(index, wait_s), read_s=waiting_s(wait_s))
        return await self._indexed(call)

    async def promote(self, deployment_id: str) -> dict[str, Any]:
        body = {"DeploymentID": deployment_id, "All": True}
        return await self._post(("v1", "deployment", "promote", deployment_id), body)

    async def pause(self, deployment_id: str, *, is_paused: bool) -> dict[str, Any]:
        body = {"DeploymentID": deployment_id, "Pause": is_paused}
        return await self._post(("v1", "deployment", "pause", deployment_id), body)

    async def fail(self, deployment_id: str) -> dict[str, Any]:
        return await self._post(("v1", "deployment", "fail", deployment_id), {})
