"""/v1/jobs and /v1/job: what is registered, and changes of it."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from outrider_embedded.scheduler import registration, request_types
from outrider_embedded.scheduler.allocation import allocation_stub
from outrider_embedded.scheduler.api import summaries
from outrider_embedded.scheduler.api.answers import body, document, error, read
from outrider_embedded.scheduler.api.paging import Page
from outrider_embedded.scheduler.documents import Document, fields
from outrider_embedded.scheduler.refusal import RefusalError
from outrider_embedded.scheduler.state import State
from outrider_embedded.scheduler.validation import job_problems, listed, warnings


class JobCalls:
    """The calls that concern jobs."""

    def __init__(self, state: State) -> None:
        self._state = state

    async def all(self, request: Request) -> Response:
        """GET lists, PUT and POST register."""
        if request.method in {"PUT", "POST"}:
            return self._registered(await body(request, request_types.REGISTER))
        state, prefix = self._state, request.query_params.get("prefix", "")
        with_meta = request.query_params.get("meta", "") in {"true", "1"}
        page = Page(_page_size(request), request.query_params.get("next_token", ""))

        def found() -> list[Document]:
            if not _is_here(request):
                return []
            jobs = page.of([job for name, job in sorted(state.jobs.items()) if name.startswith(prefix)])
            return [summaries.job_stub(job, summaries.job_summary(state, job), with_meta=with_meta) for job in jobs]

        answer = await read(request, state, lambda: state.table_index("jobs", "allocations"), found)
        if page.next_token:
            answer.headers["X-Nomad-Nexttoken"] = page.next_token
        return answer

    async def statuses(self, request: Request) -> Response:
        state = self._state

        def found() -> list[Document]:
            newest = sorted(state.jobs.values(), key=lambda job: -job["ModifyIndex"])
            return [summaries.job_status(state, job) for job in newest] if _is_here(request) else []

        return await read(request, state, lambda: state.table_index("jobs", "allocations", "deployments"), found)

    async def one(self, request: Request) -> Response:
        """GET reads, PUT and POST register, DELETE stops."""
        name: str = request.path_params["job"]
        if request.method == "DELETE":
            is_purging = request.query_params.get("purge", "") in {"true", "1"}
            answer = registration.deregister(self._state, name, is_purging=is_purging)
            return document(answer, answer["Index"])
        if request.method in {"PUT", "POST"}:
            asked = await body(request, request_types.REGISTER)
            if fields(asked.get("Job")).get("ID") != name:
                raise RefusalError(400, "Job ID does not match name")
            return self._registered(asked)
        return await read(request, self._state, lambda: self._job_index(name), lambda: self._job(request, name), "job")

    async def plan_validate(self, request: Request) -> Response:
        """POST /v1/validate/job."""
        job = registration.candidate(await body(request, request_types.VALIDATE))
        problems = job_problems(job, has_vault=self._state.has_vault)
        answer = {
            "DriverConfigValidated": True,
            "Error": listed(problems) if problems else "",
            "ValidationErrors": problems or None,
            "Warnings": warnings(job),
        }
        return document(answer)

    async def allocations(self, request: Request) -> Response:
        state, name = self._state, request.path_params["job"]

        def found() -> list[Document]:
            own = sorted(state.job_allocations(name), key=lambda one: one["ID"])
            return [allocation_stub(one) for one in own]

        return await read(request, state, lambda: state.table_index("allocations"), found)

    async def evaluations(self, request: Request) -> Response:
        state, name = self._state, request.path_params["job"]

        def found() -> list[Document]:
            return sorted(state.job_evaluations(name), key=lambda one: one["ID"])

        return await read(request, state, lambda: state.table_index("evaluations"), found)

    async def deployment(self, request: Request) -> Response:
        state, name = self._state, request.path_params["job"]

        def index() -> int:
            latest = state.latest_deployment(name)
            return latest["ModifyIndex"] if latest else state.table_index("deployments")

        return await read(request, state, index, lambda: state.latest_deployment(name))

    async def deployments(self, request: Request) -> Response:
        state, name = self._state, request.path_params["job"]

        def found() -> list[Document]:
            return sorted(state.job_deployments(name), key=lambda one: one["ID"])

        return await read(request, state, lambda: state.table_index("deployments"), found)

    async def summary(self, request: Request) -> Response:
        state, name = self._state, request.path_params["job"]

        def found() -> Document | None:
            job = state.jobs.get(name)
            return summaries.job_summary(state, job) if job else None

        return await read(request, state, lambda: state.table_index("jobs", "allocations"), found, "job")

    async def versions(self, request: Request) -> Response:
        state, name = self._state, request.path_params["job"]
        with_diffs = request.query_params.get("diffs", "") in {"true", "1"}

        def found() -> Document | None:
            versions = state.versions.get(name)
            return summaries.version_list(versions, self._job_index(name), with_diffs) if versions else None

        return await read(request, state, lambda: self._job_index(name), found, "job versions")

    async def revert(self, request: Request) -> Response:
        asked = await body(request, request_types.REVERT)
        name = request.path_params["job"]
        if asked.get("JobID") not in {None, "", name}:
            raise RefusalError(400, "Job ID does not match")
        answer = registration.revert(self._state, name, asked)
        return document(answer, answer["Index"])

    async def scale(self, request: Request) -> Response:
        """GET reads the counts, PUT and POST change one."""
        state, name = self._state, request.path_params["job"]
        if request.method in {"PUT", "POST"}:
            answer = registration.scale(state, name, await body(request, request_types.SCALE))
            return document(answer, answer["Index"])

        def found() -> Document | None:
            return summaries.scale_status(state, state.jobs[name]) if name in state.jobs else None

        return await read(request, state, lambda: state.table_index("jobs", "allocations"), found, "job")

    async def stable(self, request: Request) -> Response:
        asked = await body(request, request_types.STABLE)
        number, is_stable = asked.get("JobVersion") or 0, bool(asked.get("Stable"))
        answer = registration.set_stable(self._state, request.path_params["job"], number, is_stable=is_stable)
        return document(answer, answer["Index"])

    async def parse(self, _request: Request) -> Response:
        """HCL is read by Nomad's own tools; this server takes jobs as JSON."""
        return error(501, "the embedded scheduler does not read HCL: send the job as JSON")

    def _registered(self, asked: Document) -> Response:
        answer = registration.register(self._state, asked)
        return document(answer, answer["Index"])

    def _job(self, request: Request, name: str) -> Document | None:
        return self._state.jobs.get(name) if _is_here(request) else None

    def _job_index(self, name: str) -> int:
        job = self._state.jobs.get(name)
        return job["ModifyIndex"] if job else self._state.table_index("jobs")


def _page_size(request: Request) -> int:
    """0 for all. Raises RefusalError."""
    text = request.query_params.get("per_page", "")
    try:
        return int(text) if text else 0
    except ValueError:
        raise RefusalError(400, "Expect a number for `per_page` query string parameter") from None


def _is_here(request: Request) -> bool:
    return request.query_params.get("namespace", "default") in {"", "default", "*"}
