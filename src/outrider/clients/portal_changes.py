"""What the portal is asked to change, and what it would change."""

from __future__ import annotations

from outrider.clients.portal_calls import PortalCalls, service_path
from outrider.operations.answers.addons import Addition, Removal
from outrider.operations.answers.batch import BatchPlan
from outrider.operations.answers.difference import Difference
from outrider.operations.answers.lists import Freezes
from outrider.operations.answers.plan import Plan
from outrider.operations.answers.proposal import Proposal
from outrider.operations.answers.release import ReleasePlan
from outrider.operations.batches import Batch
from outrider.operations.records import Deployment
from outrider.operations.release_records import Approval
from outrider.operations.request_bodies import (
    AddBody,
    ApprovalBody,
    BatchBody,
    Body,
    DeployBatchBody,
    DeployBody,
    DiffBody,
    FreezeBody,
    RejectBody,
    ReleaseBody,
    ReleasePlanBody,
    RemoveBody,
    SpecBody,
    SubjectBody,
)
from outrider.operations.stop_records import Freeze, Rejection


class PortalChanges(PortalCalls):
    """One portal, for those who change something."""

    async def freeze(self, environment: str, body: FreezeBody) -> Freeze:
        return await self._post(Freeze, ("environments", environment, "freezes"), body)

    async def thaw(self, environment: str, body: SubjectBody) -> Freezes:
        """The freezes that were lifted."""
        return await self._post(Freezes, ("environments", environment, "freezes", "thaw"), body)

    async def reject(self, environment: str, service: str, version: int, body: RejectBody) -> Rejection:
        return await self._post(
            Rejection, (*service_path(environment, service), "versions", str(version), "reject"), body
        )

    async def unreject(self, environment: str, service: str, version: int) -> Rejection:
        """The rejection that was lifted."""
        path = (*service_path(environment, service), "versions", str(version), "unreject")
        return await self._post(Rejection, path, Body())

    async def plan(self, environment: str, body: SpecBody) -> Plan:
        return await self._post(Plan, ("environments", environment, "plan"), body)

    async def difference(self, body: DiffBody) -> Difference:
        return await self._post(Difference, ("diff",), body)

    async def deploy(self, environment: str, body: DeployBody, idempotency_key: str) -> Deployment:
        """The deployment goes on in the portal."""
        return await self._post(Deployment, ("environments", environment, "deployments"), body, idempotency_key)

    async def plan_batch(self, environment: str, body: BatchBody) -> BatchPlan:
        return await self._post(BatchPlan, ("environments", environment, "batches", "plan"), body)

    async def deploy_batch(self, environment: str, body: DeployBatchBody, idempotency_key: str) -> Batch:
        """The batch goes on in the portal."""
        return await self._post(Batch, ("environments", environment, "batches"), body, idempotency_key)

    async def plan_release(self, environment: str, service: str, body: ReleasePlanBody) -> ReleasePlan:
        return await self._post(ReleasePlan, (*service_path(environment, service), "release", "plan"), body)

    async def release(self, environment: str, service: str, body: ReleaseBody, idempotency_key: str) -> Deployment:
        """The deployment goes on in the portal."""
        return await self._post(Deployment, (*service_path(environment, service), "release"), body, idempotency_key)

    async def approve(self, environment: str, service: str, body: ApprovalBody) -> Approval:
        return await self._post(Approval, (*service_path(environment, service), "approvals"), body)

    async def act(self, environment: str, service: str, verb: str, body: Body) -> Deployment:
        """One of rollback, redeploy, roll, start, promote, fail, scale, restart, stop, remove, connect, disconnect, attach."""
        return await self._post(Deployment, (*service_path(environment, service), verb), body)

    async def proposal(self, environment: str, service: str, verb: str, body: Body) -> Proposal:
        """What one of connect, disconnect would change."""
        return await self._post(Proposal, (*service_path(environment, service), verb, "plan"), body)

    async def addition(self, environment: str, body: AddBody) -> Addition:
        """What adding it would do."""
        return await self._post(Addition, ("environments", environment, "addons", "plan"), body)

    async def removal(self, environment: str, service: str, body: RemoveBody) -> Removal:
        """What taking it away would do."""
        return await self._post(Removal, (*service_path(environment, service), "remove", "plan"), body)

    async def add(self, environment: str, body: AddBody, idempotency_key: str) -> Deployment:
        """The new service is deployed; its callers are attached afterwards."""
        return await self._post(Deployment, ("environments", environment, "addons"), body, idempotency_key)
