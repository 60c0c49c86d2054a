"""The HTTP face of the registry: which path is which route, and how refusals and held queries meet the wire."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from urllib.parse import parse_qs

from starlette.types import ASGIApp, Receive, Scope, Send

from outrider_embedded.registry import (
    agent_routes,
    catalog_routes,
    check_routes,
    health_routes,
    key_routes,
    status_routes,
)
from outrider_embedded.registry.blocking import NO_ANSWER_HEADERS
from outrider_embedded.registry.calls import Answer, Call, text_answer
from outrider_embedded.registry.refusal import Refused
from outrider_embedded.registry.state import Registry

Route = Callable[[Registry, Call], Awaitable[Answer]]

_EXACT: dict[str, dict[str, Route]] = {
    "/v1/agent/self": {"GET": agent_routes.itself},
    "/v1/agent/members": {"GET": agent_routes.member_list},
    "/v1/agent/services": {"GET": agent_routes.services},
    "/v1/agent/checks": {"GET": agent_routes.checks},
    "/v1/agent/maintenance": {"PUT": agent_routes.node_maintenance},
    "/v1/agent/service/register": {"PUT": agent_routes.register},
    "/v1/agent/check/register": {"PUT": check_routes.register},
    "/v1/catalog/services": {"GET": catalog_routes.services},
    "/v1/catalog/nodes": {"GET": catalog_routes.nodes},
    "/v1/catalog/datacenters": {"GET": catalog_routes.datacenters},
    "/v1/catalog/register": {"PUT": catalog_routes.register},
    "/v1/catalog/deregister": {"PUT": catalog_routes.deregister},
    "/v1/status/leader": {"GET": status_routes.leader},
    "/v1/status/peers": {"GET": status_routes.peers},
}
_BELOW: dict[str, dict[str, Route]] = {
    "/v1/agent/service/deregister/": {"PUT": agent_routes.deregister},
    "/v1/agent/service/maintenance/": {"PUT": agent_routes.service_maintenance},
    "/v1/agent/service/": {"GET": agent_routes.service},
    "/v1/agent/check/deregister/": {"PUT": check_routes.deregister},
    "/v1/agent/check/pass/": {"PUT": check_routes.passing},
    "/v1/agent/check/warn/": {"PUT": check_routes.warning},
    "/v1/agent/check/fail/": {"PUT": check_routes.failing},
    "/v1/agent/check/update/": {"PUT": check_routes.update},
    "/v1/agent/health/service/id/": {"GET": check_routes.health_by_id},
    "/v1/agent/health/service/name/": {"GET": check_routes.health_by_name},
    "/v1/catalog/service/": {"GET": catalog_routes.service},
    "/v1/catalog/node/": {"GET": catalog_routes.node},
    "/v1/health/service/": {"GET": health_routes.service},
    "/v1/health/checks/": {"GET": health_routes.checks},
    "/v1/health/state/": {"GET": health_routes.state},
    "/v1/health/node/": {"GET": health_routes.node},
    "/v1/kv/": {"GET": key_routes.read, "PUT": key_routes.write, "DELETE": key_routes.delete},
}


def registry_app(registry: Registry) -> ASGIApp:
    """The ASGI application over one registry."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            await _serve(registry, scope, receive, send)

    return app


async def _serve(registry: Registry, scope: Scope, receive: Receive, send: Send) -> None:
    routes, name = _routes(scope["path"])
    body = await _body(receive)
    gone = asyncio.ensure_future(_hang_up(receive))
    try:
        call = Call(scope["method"], name, parse_qs(scope["query_string"].decode(), keep_blank_values=True), body, gone)
        await _send(send, await _answer(registry, routes, call))
    finally:
        gone.cancel()


async def _answer(registry: Registry, routes: dict[str, Route] | None, call: Call) -> Answer:
    if routes is None:
        return Answer(404)
    route = routes.get(call.method)
    if route is None:
        return _other_method(routes, call.method)
    try:
        return await route(registry, call)
    except Refused as refused:
        return text_answer(refused.status, refused.text, NO_ANSWER_HEADERS if refused.query else None)


def _routes(path: str) -> tuple[dict[str, Route] | None, str]:
    """The routes of a path and the name that follows their prefix."""
    if path in _EXACT:
        return _EXACT[path], ""
    for prefix, routes in _BELOW.items():
        if path.startswith(prefix):
            return routes, path[len(prefix) :]
    return None, ""


def _other_method(routes: dict[str, Route], method: str) -> Answer:
    allowed = {"Allow": ",".join(["OPTIONS", *routes])}
    return (
        Answer(200, b"", allowed) if method == "OPTIONS" else text_answer(405, f"method {method} not allowed", allowed)
    )


async def _body(receive: Receive) -> bytes:
    parts: list[bytes] = []
    while True:
        message = await receive()
        parts.append(message.get("body", b""))
        if not message.get("more_body", False):
            return b"".join(parts)


async def _hang_up(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


async def _send(send: Send, answer: Answer) -> None:
    fields = {"Vary": "Accept-Encoding", **answer.headers, "Content-Length": str(len(answer.body))}
    headers = [(name.encode(), value.encode("latin-1", "replace")) for name, value in fields.items()]
    await send({"type": "http.response.start", "status": answer.status, "headers": headers})
    await send({"type": "http.response.body", "body": answer.body})
