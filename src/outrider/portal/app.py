"""The portal: API, pages and what holds for every request, over one application."""

from __future__ import annotations

from collections.abc import Iterable
from importlib.metadata import version

from fastapi import FastAPI
from fastapi.routing import APIRoute
from outrider_ground.edge.door import Door
from outrider_ground.edge.intake import Intake
from outrider_ground.edge.limits import OF_PORTAL, Limits

from outrider.operations.application import Application
from outrider.portal.answers import ApiAnswers
from outrider.portal.api import (
    addons,
    artifacts,
    batches,
    deployments,
    edits,
    environments,
    execs,
    releases,
    services,
    steering,
    stops,
)
from outrider.portal.bodies import JsonBodies, is_upload
from outrider.portal.guard import Guard
from outrider.portal.pages import pages
from outrider.portal.problems import answer_problems, refused
from outrider.portal.responses import ALWAYS, DescribedApi
from outrider.portal.turns import Bounds, Turns

API = "/api/v1"
USUAL = Bounds()


def portal_app(
    application: Application,
    *,
    hosts: Iterable[str] = (),
    limits: Limits = OF_PORTAL,
    bounds: Bounds = USUAL,
) -> FastAPI:
    """The portal over an application; ``hosts`` are further names of this server."""
    app = api_app()
    app.state.application = application
    app.state.turns = Turns(bounds)
    app.include_router(pages(lambda: app.state.application))
    # The last one added is the first that a request meets.
    app.add_middleware(Intake, limits=limits, answer=refused, reads_itself=is_upload)
    app.add_middleware(JsonBodies)
    app.add_middleware(Guard, token=application.token)
    app.add_middleware(Door, hosts=tuple(hosts), url=application.url, answer=refused)
    app.add_middleware(ApiAnswers)
    return app


def api_app() -> FastAPI:
    """The API by itself, as its description needs it; to answer it needs an application."""
    app = DescribedApi(
        title="Outrider",
        version=version("outrider"),
        summary="A service mesh for Nomad and Consul without a central control plane.",
        openapi_url=f"{API}/openapi.json",
        docs_url=None,
        redoc_url=None,
        generate_unique_id_function=_operation,
        responses=ALWAYS,
    )
    answer_problems(app)
    for noun in (environments, batches, services, steering, stops, edits, addons, releases, execs, deployments):
        app.include_router(noun.router, prefix=API)
    app.include_router(artifacts.upload_router, prefix=API)
    app.include_router(artifacts.download_router)
    return app


def _operation(route: APIRoute) -> str:
    """Handlers are named after what they answer, each name once."""
    return route.name
