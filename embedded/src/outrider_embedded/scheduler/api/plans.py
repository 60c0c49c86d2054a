"""Plans and evaluations on demand: what would happen, and looking again."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from outrider_embedded.scheduler import registration, request_types
from outrider_embedded.scheduler.api.answers import body, document
from outrider_embedded.scheduler.dry_run import dry_run
from outrider_embedded.scheduler.evaluator import Evaluator
from outrider_embedded.scheduler.refusal import RefusalError
from outrider_embedded.scheduler.state import State


class PlanCalls:
    """The calls that need the evaluator."""

    def __init__(self, state: State, evaluator: Evaluator) -> None:
        self._state, self._evaluator = state, evaluator

    async def plan(self, request: Request) -> Response:
        asked = await body(request, request_types.PLAN)
        job = registration.valid_candidate(self._state, asked)
        if job["ID"] != request.path_params["job"]:
            raise RefusalError(400, "Job ID does not match")
        answer = dry_run(self._state, self._evaluator, job, with_diff=bool(asked.get("Diff")))
        return document(answer, answer["Index"])

    async def evaluate(self, request: Request) -> Response:
        name: str = request.path_params["job"]
        if name not in self._state.jobs:
            raise RefusalError(404, "job not found")
        evaluation = self._evaluator.ask(name, "job-register")
        index = evaluation["ModifyIndex"]
        job = self._state.jobs[name]
        answer = registration.evaluated(job, evaluation)
        return document(answer, index)
