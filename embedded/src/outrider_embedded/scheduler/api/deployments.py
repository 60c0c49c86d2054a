"""/v1/deployments and /v1/deployment: reads, and the decisions that a person takes."""

from __future__ import annotations

import time

from starlette.requests import Request
from starlette.responses import Response

from outrider_embedded.scheduler import deployment as rules
from outrider_embedded.scheduler import request_types, watcher
from outrider_embedded.scheduler.allocation import allocation_stub
from outrider_embedded.scheduler.api.answers import body, checked_id, document, read
from outrider_embedded.scheduler.client import UPDATED
from outrider_embedded.scheduler.documents import Document, words
from outrider_embedded.scheduler.evaluation import new_evaluation
from outrider_embedded.scheduler.refusal import RefusalError
from outrider_embedded.scheduler.state import Commit, State
from outrider_embedded.scheduler.times import stamp
from outrider_embedded.scheduler.validation import listed


class DeploymentCalls:
    """The calls that concern deployments."""

    def __init__(self, state: State) -> None:
        self._state = state

    async def all(self, request: Request) -> Response:
        state, prefix = self._state, request.query_params.get("prefix", "")

        def found() -> list[Document]:
            return [one for name, one in sorted(state.deployments.items()) if name.startswith(prefix)]

        return await read(request, state, lambda: state.table_index("deployments"), found)

    async def one(self, request: Request) -> Response:
        state, identifier = self._state, checked_id(request.path_params["id"], "deployment")

        def index() -> int:
            found = state.deployments.get(identifier)
            return found["ModifyIndex"] if found else state.table_index("deployments")

        return await read(request, state, index, lambda: state.deployments.get(identifier), "deployment")

    async def allocations(self, request: Request) -> Response:
        state, identifier = self._state, checked_id(request.path_params["id"], "deployment")

        def found() -> list[Document]:
            return [allocation_stub(one) for one in state.allocations.values() if one["DeploymentID"] == identifier]

        return await read(request, state, lambda: state.table_index("allocations"), found)

    async def promote(self, request: Request) -> Response:
        asked = await body(request, request_types.PROMOTE)
        deployment = self._active(request, asked, "promote")
        groups: list[str] | None = None if asked.get("All") else words(asked.get("Groups"))
        _check_canaries(self._state, deployment, groups)
        return self._updated(watcher.promote(self._state, deployment, groups))

    async def fail(self, request: Request) -> Response:
        deployment = self._active(request, await body(request, request_types.PROMOTE), "fail")
        reverts = any(state["AutoRevert"] for state in deployment["TaskGroups"].values())
        commit, version = watcher.fail(self._state, deployment, rules.BY_USER, is_reverting=reverts)
        return self._updated(commit, version)

    async def pause(self, request: Request) -> Response:
        asked = await body(request, request_types.PAUSE)
        is_pausing = bool(asked.get("Pause"))
        deployment = self._active(request, asked, "pause" if is_pausing else "resume")
        status, text = ("paused", rules.PAUSED) if is_pausing else ("running", rules.RUNNING)
        changed = rules.with_new_deadlines(rules.with_status(deployment, status, text), time.time_ns())
        more = () if is_pausing else (_evaluation(deployment),)
        commit = Commit("DeploymentStatusUpdate", deployments=(changed,), evaluations=more)
        return self._updated(self._state.commit(commit))

    async def set_health(self, request: Request) -> Response:
        """Health told from outside, for groups whose ``HealthCheck`` is ``manual``."""
        asked = await body(request, request_types.HEALTH)
        deployment = self._active(request, asked, "set health of allocations for")
        told = [(one, True) for one in words(asked.get("HealthyAllocationIDs"))]
        told += [(one, False) for one in words(asked.get("UnhealthyAllocationIDs"))]
        changed = [self._with_health(one, is_healthy) for one, is_healthy in told if one in self._state.allocations]
        commit = Commit(UPDATED, allocations=tuple(changed), evaluations=(_evaluation(deployment),))
        return self._updated(self._state.commit(commit))

    def _with_health(self, identifier: str, is_healthy: bool) -> Document:  # noqa: FBT001
        allocation = self._state.allocations[identifier]
        before = allocation["DeploymentStatus"] or {"Canary": False}
        index = self._state.index + 1
        status = {**before, "Healthy": is_healthy, "Timestamp": stamp(), "ModifyIndex": index}
        return {**allocation, "DeploymentStatus": status}

    def _active(self, request: Request, asked: Document, verb: str) -> Document:
        identifier: str = request.path_params["id"]
        if asked.get("DeploymentID") not in {None, "", identifier}:
            raise RefusalError(400, "Deployment ID does not match")
        found = self._state.deployments.get(checked_id(identifier, "deployment"))
        if found is None:
            raise RefusalError(500, "deployment not found")
        if not rules.is_active(found):
            raise RefusalError(500, f"can't {verb} terminal deployment")
        return found

    def _updated(self, commit: Commit, version: int | None = None) -> Response:
        evaluation = commit.evaluations[0] if commit.evaluations else None
        answer = {
            "DeploymentModifyIndex": commit.index,
            "EvalCreateIndex": commit.index if evaluation else 0,
            "EvalID": evaluation["ID"] if evaluation else "",
            "Index": commit.index,
            "RevertedJobVersion": version,
        }
        return document(answer, commit.index)


def _evaluation(deployment: Document) -> Document:
    return new_evaluation(deployment["JobID"], "deployment-watcher", DeploymentID=deployment["ID"])


def _check_canaries(state: State, deployment: Document, groups: list[str] | None) -> None:
    """Refuse a promotion of canaries that are not all healthy."""
    problems: list[str] = []
    for name, group in deployment["TaskGroups"].items():
        if groups is not None and name not in groups:
            continue
        healthy = watcher.healthy_canaries(state, deployment, name)
        if group["DesiredCanaries"] == 0:
            continue
        if healthy < group["DesiredCanaries"]:
            problems.append(f'Task group "{name}" has {healthy}/{group["DesiredCanaries"]} healthy allocations')
    if problems:
        raise RefusalError(500, listed(problems))
    if not any(group["DesiredCanaries"] for group in deployment["TaskGroups"].values()):
        raise RefusalError(500, "no canaries to promote")
