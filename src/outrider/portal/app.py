"""The portal: API, pages and what holds for every request, over one application."""

from __future__ import annotations

from importlib.metadata import version

from fastapi import APIRouter, FastAPI
from fastapi.routing import APIRoute

from outrider.operations.application import Application
from outrider.portal.api import artifacts, deployments, environments, services, steering
from outrider.portal.guard import Guard
from outrider.portal.problems import answer_problems

API = "/api/v1"


def portal_app(application: Application, *faces: APIRouter) -> FastAPI:
    """The portal over an application; ``faces`` are routers of pages."""
    app = api_app()
    app.state.application = application
    for face in faces:
        app.include_router(face)
    app.add_middleware(Guard, token=application.token)
    return app


def api_app() -> FastAPI:
    """The API by itself, as its description needs it; to answer it needs an application."""
    app = FastAPI(
        title="Outrider",
        version=version("outrider"),
        summary="A service mesh for Nomad and Consul without a central control plane.",
        openapi_url=f"{API}/openapi.json",
        docs_url=None,
        redoc_url=None,
        generate_unique_id_function=_operation,
    )
    answer_problems(app)
    for noun in (environments, services, steering, deployments):
        app.include_router(noun.router, prefix=API)
    app.include_router(artifacts.upload_router, prefix=API)
    app.include_router(artifacts.download_router)
    return app


def _operation(route: APIRoute) -> str:
    """Handlers are named after what they answer, each name once."""
    return route.name
