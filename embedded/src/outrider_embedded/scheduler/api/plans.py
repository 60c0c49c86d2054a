"""Plans and evaluations on demand: what would happen, and looking again."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from outrider_embedded.scheduler import registration, request_types
from outrider_embedded.scheduler.api.answers import body, document
from outrider_embedded.scheduler.dry_run import dry_run
from outrider_embedded.scheduler.refusal import RefusalError
from outrider_embedded.scheduler.server import Scheduler


class PlanCalls:
    """The calls that need the evaluator."""

    def __init__(self, scheduler: Scheduler) -> None:
        self._scheduler = scheduler

    async def plan(self, request: Request) -> Response:
        asked = await body(request, request_types.PLAN)
        job = registration.valid_candidate(asked)
        if job["ID"] != request.path_params["job"]:
            raise RefusalError(400, "Job ID does not match")
        scheduler = self._scheduler
        with_diff = bool(asked.get("Diff"))
        answer = dry_run(scheduler.state, scheduler.evaluator, job, with_diff=with_diff)
        return document(answer, answer["Index"])

    async def evaluate(self, request: Request) -> Response:
        name: str = request.path_params["job"]
        if name not in self._scheduler.state.jobs:
            raise RefusalError(404, "job not found")
        evaluation = self._scheduler.evaluator.ask(name, "job-register")
        index = evaluation["ModifyIndex"]
        job = self._scheduler.state.jobs[name]
        answer = registration.evaluated(job, evaluation)
        return document(answer, index)
