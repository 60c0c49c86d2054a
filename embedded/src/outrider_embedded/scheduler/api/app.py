"""The table of calls: which path is answered by what."""

from __future__ import annotations

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route, WebSocketRoute

from outrider_embedded.scheduler.api.agent import AgentCalls
from outrider_embedded.scheduler.api.allocations import AllocationCalls
from outrider_embedded.scheduler.api.answers import Endpoint, error, guarded
from outrider_embedded.scheduler.api.deployments import DeploymentCalls
from outrider_embedded.scheduler.api.exec import ExecCalls
from outrider_embedded.scheduler.api.files import FileCalls
from outrider_embedded.scheduler.api.jobs import JobCalls
from outrider_embedded.scheduler.api.plans import PlanCalls
from outrider_embedded.scheduler.api.variables import VariableCalls
from outrider_embedded.scheduler.server import Scheduler

_READ = ("GET",)
_WRITE = ("PUT", "POST")
_BOTH = (*_READ, *_WRITE)


def scheduler_app(scheduler: Scheduler) -> Starlette:
    """Nomad's API over a running scheduler."""
    routes = [*_jobs(scheduler), *_deployments(scheduler), *_allocations(scheduler), *_files(scheduler)]
    routes += [*_agent(scheduler), *_variables(scheduler)]
    exec_route = WebSocketRoute(
        "/v1/client/allocation/{id}/exec", ExecCalls(scheduler.client, may_run=scheduler.runs_commands).run
    )
    handlers = {404: _nothing, 405: _wrong_method}
    return Starlette(routes=[exec_route, *routes], exception_handlers=handlers)


def _route(path: str, endpoint: Endpoint, methods: tuple[str, ...] = _READ) -> Route:
    return Route(path, guarded(endpoint), methods=list(methods))


def _jobs(scheduler: Scheduler) -> list[Route]:
    calls, plans = JobCalls(scheduler.state), PlanCalls(scheduler.state, scheduler.evaluator)
    job = "/v1/job/{job}"
    return [
        _route("/v1/jobs", calls.all, _BOTH),
        _route("/v1/jobs/parse", calls.parse, _WRITE),
        _route("/v1/jobs/statuses", calls.statuses, ("GET", "POST")),
        _route("/v1/validate/job", calls.plan_validate, _WRITE),
        _route(f"{job}/allocations", calls.allocations),
        _route(f"{job}/evaluations", calls.evaluations),
        _route(f"{job}/deployment", calls.deployment),
        _route(f"{job}/deployments", calls.deployments),
        _route(f"{job}/summary", calls.summary),
        _route(f"{job}/versions", calls.versions),
        _route(f"{job}/revert", calls.revert, _WRITE),
        _route(f"{job}/scale", calls.scale, _BOTH),
        _route(f"{job}/stable", calls.stable, _WRITE),
        _route(f"{job}/plan", plans.plan, _WRITE),
        _route(f"{job}/evaluate", plans.evaluate, _WRITE),
        _route(job, calls.one, (*_BOTH, "DELETE")),
    ]


def _deployments(scheduler: Scheduler) -> list[Route]:
    calls = DeploymentCalls(scheduler.state)
    return [
        _route("/v1/deployments", calls.all),
        _route("/v1/deployment/allocations/{id}", calls.allocations),
        _route("/v1/deployment/promote/{id}", calls.promote, _WRITE),
        _route("/v1/deployment/fail/{id}", calls.fail, _WRITE),
        _route("/v1/deployment/pause/{id}", calls.pause, _WRITE),
        _route("/v1/deployment/allocation-health/{id}", calls.set_health, _WRITE),
        _route("/v1/deployment/{id}", calls.one),
    ]


def _allocations(scheduler: Scheduler) -> list[Route]:
    calls = AllocationCalls(scheduler.state, scheduler.client)
    return [
        _route("/v1/allocations", calls.all),
        _route("/v1/allocation/{id}", calls.one),
        _route("/v1/allocation/{id}/stop", calls.stop, _WRITE),
        _route("/v1/client/allocation/{id}/restart", calls.restart, _WRITE),
        _route("/v1/client/allocation/{id}/signal", calls.signal, _WRITE),
        _route("/v1/client/allocation/{id}/stats", calls.stats),
        _route("/v1/evaluations", calls.evaluations),
        _route("/v1/evaluation/{id}", calls.evaluation),
        _route("/v1/evaluation/{id}/allocations", calls.evaluation_allocations),
    ]


def _files(scheduler: Scheduler) -> list[Route]:
    calls = FileCalls(scheduler.client, scheduler.allocations)
    names = ("ls", "stat", "cat", "readat", "stream", "logs")
    return [_route(f"/v1/client/fs/{name}/{{id}}", getattr(calls, name)) for name in names]


def _agent(scheduler: Scheduler) -> list[Route]:
    calls = AgentCalls(scheduler.state, scheduler.node, scheduler.events, scheduler.consul.address)
    return [
        _route("/v1/agent/self", calls.itself),
        _route("/v1/agent/health", calls.health),
        _route("/v1/agent/members", calls.members),
        _route("/v1/status/leader", calls.leader),
        _route("/v1/status/peers", calls.peers),
        _route("/v1/regions", calls.regions),
        _route("/v1/namespaces", calls.namespaces),
        _route("/v1/nodes", calls.nodes),
        _route("/v1/node/{id}", calls.node),
        _route("/v1/node/{id}/allocations", calls.node_allocations),
        _route("/v1/event/stream", calls.events),
    ]


def _variables(scheduler: Scheduler) -> list[Route]:
    calls = VariableCalls(scheduler.state)
    return [
        _route("/v1/vars", calls.all),
        _route("/v1/var/{path:path}", calls.one, (*_BOTH, "DELETE")),
    ]


async def _nothing(_request: Request, _exception: Exception) -> Response:
    return Response(status_code=404)


async def _wrong_method(_request: Request, _exception: Exception) -> Response:
    return error(405, "Invalid method")
