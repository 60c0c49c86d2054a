"""The portal's web pages: what runs, read-only, rendered here, readable without JavaScript."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any, Protocol

from fastapi import APIRouter, HTTPException
from fastapi.responses import HTMLResponse, Response
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from outrider_ground.errors import OutriderError, UsageError

from outrider.operations.answers.status import Status
from outrider.operations.events import Event, kinds
from outrider.operations.principal import Principal
from outrider.operations.records import Deployment, VersionSummary
from outrider.portal import wording
from outrider.portal.links import asks_for_datacenter, links
from outrider.portal.principal import Asker
from outrider.spec.platform import Platform

TEMPLATES = Path(__file__).parent / "templates"
STATIC = Path(__file__).parent / "static"
# No inline script or style, nothing from elsewhere, in nobody's frame.
HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self'; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}

MEDIA_TYPES = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}
NOT_FOUND, BAD_GATEWAY = 404, 502
SHOWN = 20  # versions and deployments on the page of their service

Page = tuple[str, Mapping[str, Any]]


class Shown(Protocol):
    """What the pages ask of the application."""

    @property
    def platform(self) -> Platform: ...
    async def datacenter(self, principal: Principal, environment: str) -> str | None: ...
    async def status(self, principal: Principal, environment: str, service: str) -> Status: ...
    async def statuses(self, principal: Principal, environment: str | None = None) -> tuple[Status, ...]: ...
    async def services(self, principal: Principal, environment: str) -> frozenset[str]: ...
    async def versions(
        self, principal: Principal, environment: str, service: str, limit: int
    ) -> tuple[VersionSummary, ...]: ...
    async def deployments(self, principal: Principal, environment: str, service: str) -> tuple[Deployment, ...]: ...
    async def deployment(self, principal: Principal, deployment_id: str) -> Deployment: ...
    async def events(self, principal: Principal, deployment_id: str, after: int = 0) -> tuple[Event, ...]: ...


def pages(application: Callable[[], Shown]) -> APIRouter:
    """The routes of all pages and of the files they use."""
    router = APIRouter(default_response_class=HTMLResponse, include_in_schema=False)
    shown = _Pages(application)
    files = {file.name: (file.read_bytes(), MEDIA_TYPES[file.suffix]) for file in STATIC.iterdir() if file.is_file()}

    async def static(name: str) -> Response:
        if name not in files:
            raise HTTPException(NOT_FOUND)
        content, media_type = files[name]
        return Response(content, media_type=media_type, headers={**HEADERS, "Cache-Control": "max-age=60"})

    router.add_api_route("/", shown.services)
    router.add_api_route("/environments/{environment}", shown.services)
    router.add_api_route("/environments/{environment}/services/{service}", shown.service)
    router.add_api_route("/deployments/{deployment_id}", shown.deployment)
    router.add_api_route("/static/{name}", static)
    return router


def templates() -> Environment:
    """The templates, everything escaped, a name that is missing an error."""
    made = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters.update(wording.FILTERS)
    return made


class _Pages:
    """One handler per page."""

    def __init__(self, application: Callable[[], Shown]) -> None:
        self._shown = application
        self._templates = templates()

    @property
    def _application(self) -> Shown:
        """That of now: a changed platform file makes another one."""
        return self._shown()

    async def services(self, asker: Asker, environment: str | None = None) -> HTMLResponse:
        return await self._answer(lambda: self._services(asker, environment), environment)

    async def service(self, asker: Asker, environment: str, service: str, trace: str | None = None) -> HTMLResponse:
        """``?trace=ID`` fills in the links that lead to one trace."""
        return await self._answer(lambda: self._service(asker, environment, service, trace), environment)

    async def deployment(self, asker: Asker, deployment_id: str) -> HTMLResponse:
        return await self._answer(lambda: self._deployment(asker, deployment_id), None)

    async def _services(self, asker: Principal, environment: str | None) -> Page:
        found = await self._application.statuses(asker, environment)
        names = [environment] if environment else list(self._application.platform.environments)
        running = [one for one in found if one.state != "stopped"]
        stopped = [one for one in found if one.state == "stopped"]
        return "services.html", {
            "by_environment": _grouped(running, names),
            "stopped": _grouped(stopped, names),
            "notices": {name: _held_by_all([one for one in found if one.environment == name]) for name in names},
        }

    async def _service(self, asker: Principal, environment: str, service: str, trace: str | None) -> Page:
        status = await self._application.status(asker, environment, service)
        platform = self._application.platform
        datacenter = await self._application.datacenter(asker, environment) if asks_for_datacenter(platform) else None
        found = links(platform, environment, service, datacenter=datacenter, trace=trace)
        versions = await _or_nothing(self._application.versions(asker, environment, service, SHOWN))
        deployments = await _or_nothing(self._application.deployments(asker, environment, service))
        known = await self._application.services(asker, environment)
        return "service.html", {
            "status": status,
            "links": found.of_service(status.links),
            "allocation_links": {one.id: found.of_allocation(one.id) for one in status.allocations},
            "versions": versions,
            "deployments": deployments[:SHOWN],
            "known": known,
        }

    async def _deployment(self, asker: Principal, deployment_id: str) -> Page:
        deployment = await self._application.deployment(asker, deployment_id)
        events = await self._application.events(asker, deployment_id)
        shown = {"deployment": deployment, "events": events, "kinds": kinds()}
        return "deployment.html", {**shown, "environment": deployment.environment}

    async def _answer(self, page: Callable[[], Awaitable[Page]], environment: str | None) -> HTMLResponse:
        try:
            name, context = await page()
            return self._rendered(name, context, environment)
        except UsageError as error:
            return self._rendered("error.html", {"error": error, "title": "Not found"}, None, NOT_FOUND)
        except OutriderError as error:
            return self._rendered("error.html", {"error": error, "title": "No answer"}, None, BAD_GATEWAY)

    def _rendered(
        self, name: str, context: Mapping[str, Any], environment: str | None, status: int = 200
    ) -> HTMLResponse:
        frame = {"environments": list(self._application.platform.environments), "environment": environment}
        return HTMLResponse(self._templates.get_template(name).render({**frame, **context}), status, HEADERS)


def _grouped(found: list[Status], environments: list[str]) -> dict[str, list[Status]]:
    return {name: [one for one in found if one.environment == name] for name in environments}


def _held_by_all(found: list[Status]) -> str | None:
    """The problem that all of them have, as where a server does not answer: said once, and not in each row."""
    problems = {one.problem for one in found}
    return problems.pop() if len(found) > 1 and len(problems) == 1 else None


async def _or_nothing(asked: Awaitable[tuple[Any, ...]]) -> tuple[Any, ...]:
    """A service that Nomad runs and this portal has never deployed has no history."""
    try:
        return await asked
    except UsageError:
        return ()
