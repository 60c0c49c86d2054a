"""/v1/allocations, /v1/evaluations and the acts on one allocation: restart, signal, stop, numbers."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from outrider_embedded.scheduler import request_types
from outrider_embedded.scheduler.allocation import allocation_answer, allocation_stub
from outrider_embedded.scheduler.api.answers import body, checked_id, document, read
from outrider_embedded.scheduler.api.usage import usage
from outrider_embedded.scheduler.client import Client
from outrider_embedded.scheduler.documents import Document
from outrider_embedded.scheduler.refusal import RefusalError
from outrider_embedded.scheduler.registration import stop_allocation
from outrider_embedded.scheduler.runner import Runner
from outrider_embedded.scheduler.state import State


class AllocationCalls:
    """The calls that concern allocations and evaluations."""

    def __init__(self, state: State, client: Client) -> None:
        self._state, self._client = state, client

    async def all(self, request: Request) -> Response:
        state, prefix = self._state, request.query_params.get("prefix", "")

        def found() -> list[Document]:
            chosen = [one for name, one in sorted(state.allocations.items()) if name.startswith(prefix)]
            return [allocation_stub(one) for one in chosen]

        return await read(request, state, lambda: state.table_index("allocations"), found)

    async def one(self, request: Request) -> Response:
        state, identifier = self._state, checked_id(request.path_params["id"], "alloc")

        def index() -> int:
            found = state.allocations.get(identifier)
            return found["ModifyIndex"] if found else state.table_index("allocations")

        def answer() -> Document | None:
            found = state.allocations.get(identifier)
            return allocation_answer(found) if found else None

        return await read(request, state, index, answer, "alloc")

    async def stop(self, request: Request) -> Response:
        identifier = checked_id(request.path_params["id"], "alloc")
        allocation = self._state.allocations.get(identifier)
        if allocation is None:
            raise RefusalError(404, "allocation not found")
        with_delay = request.query_params.get("no_shutdown_delay", "") not in {"true", "1"}
        answer = stop_allocation(self._state, allocation, with_delay=with_delay)
        return document(answer, answer["Index"])

    async def restart(self, request: Request) -> Response:
        asked = await body(request, request_types.RESTART)
        runner, task = self._running(request), asked.get("TaskName") or ""
        if task and task not in runner.tasks:
            raise RefusalError(500, f"Could not find task runner for task: {task}")
        if task and not runner.tasks[task].process.is_running:
            raise RefusalError(500, "Task not running")
        await runner.restart(task, "User requested task to restart")
        return document({"Index": 0})

    async def signal(self, request: Request) -> Response:
        asked = await body(request, request_types.SIGNAL)
        runner, name, task = self._running(request), asked.get("Signal") or "SIGINT", asked.get("Task") or ""
        if task and task not in runner.tasks:
            raise RefusalError(500, "Task not found")
        for one in runner.tasks.values():
            if not task or one.name == task:
                one.process.signal(name, "User requested task to be signaled")
        return document({"Index": 0})

    async def stats(self, request: Request) -> Response:
        runner = self._runner(request)
        running = ((name, task.process.pid) for name, task in runner.tasks.items())
        pids = {name: pid for name, pid in running if pid is not None}
        return document(usage(pids))

    async def evaluations(self, request: Request) -> Response:
        state, prefix = self._state, request.query_params.get("prefix", "")

        def found() -> list[Document]:
            return [one for name, one in sorted(state.evaluations.items()) if name.startswith(prefix)]

        return await read(request, state, lambda: state.table_index("evaluations"), found)

    async def evaluation(self, request: Request) -> Response:
        state, identifier = self._state, checked_id(request.path_params["id"], "eval")

        def index() -> int:
            found = state.evaluations.get(identifier)
            return found["ModifyIndex"] if found else state.table_index("evaluations")

        return await read(request, state, index, lambda: state.evaluations.get(identifier), "eval")

    async def evaluation_allocations(self, request: Request) -> Response:
        state, identifier = self._state, checked_id(request.path_params["id"], "eval")

        def found() -> list[Document]:
            return [allocation_stub(one) for one in state.allocations.values() if one["EvalID"] == identifier]

        return await read(request, state, lambda: state.table_index("allocations"), found)

    def _runner(self, request: Request) -> Runner:
        identifier: str = request.path_params["id"]
        runner = self._client.runners.get(identifier)
        if runner is None:
            raise RefusalError(404, f'Unknown allocation "{identifier}"')
        return runner

    def _running(self, request: Request) -> Runner:
        runner = self._runner(request)
        if runner.done.is_set():
            raise RefusalError(500, "Allocation not running")
        return runner
