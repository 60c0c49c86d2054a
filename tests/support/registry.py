"""A registry of images on this machine: the manifests' part of the v2 API, with the ways to ask for credentials."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from outrider_ground.edge.serving import serving
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route

USER = "robot:secret"
BASIC = base64.b64encode(USER.encode()).decode()


@dataclass
class StandIn:
    """What it has and how it answers; ``seen`` are the requests, with the headers that matter."""

    address: str = ""
    manifests: dict[str, bytes] = field(default_factory=dict[str, bytes])
    asks_for: str = ""  # nothing, basic or bearer
    tokens_for_anybody: bool = True
    realm: str = ""
    names_digest: bool = True
    redirects_to: str = ""
    seen: list[tuple[str, str, str, str]] = field(default_factory=list[tuple[str, str, str, str]])

    def digest(self, name: str) -> str:
        return f"sha256:{hashlib.sha256(self.manifests[name]).hexdigest()}"

    async def manifest(self, request: Request) -> Response:
        authorization = request.headers.get("authorization", "")
        self.seen.append((request.method, request.url.path, authorization, request.headers.get("accept", "")))
        if self.redirects_to:
            return RedirectResponse(self.redirects_to)
        if not self._is_let_in(authorization):
            return Response(status_code=401, headers={"WWW-Authenticate": self._challenge()})
        content = self.manifests.get(f"{request.path_params['name']}:{request.path_params['reference']}")
        if content is None:
            return JSONResponse({"errors": [{"code": "MANIFEST_UNKNOWN"}]}, 404)
        headers = (
            {"Docker-Content-Digest": f"sha256:{hashlib.sha256(content).hexdigest()}"} if self.names_digest else {}
        )
        return Response(content, media_type="application/vnd.oci.image.index.v1+json", headers=headers)

    async def token(self, request: Request) -> Response:
        authorization = request.headers.get("authorization", "")
        self.seen.append((request.method, str(request.url.query), authorization, ""))
        if not self.tokens_for_anybody and authorization != f"Basic {BASIC}":
            return JSONResponse({"details": "incorrect username or password"}, 401)
        return JSONResponse({"token": "T0KEN"})

    def _is_let_in(self, authorization: str) -> bool:
        return {"": True, "basic": authorization == f"Basic {BASIC}", "bearer": authorization == "Bearer T0KEN"}[
            self.asks_for
        ]

    def _challenge(self) -> str:
        realm = self.realm or f"http://{self.address}/token"
        return {
            "basic": 'Basic realm="here"',
            "bearer": f'Bearer realm="{realm}",service="registry.test",scope="repository:x:pull"',
        }[self.asks_for]


@asynccontextmanager
async def registry() -> AsyncGenerator[StandIn]:
    """One that serves on a port of its own."""
    made = StandIn()
    app = Starlette(
        routes=[
            Route("/v2/{name:path}/manifests/{reference}", made.manifest, methods=["GET", "HEAD"]),
            Route("/token", made.token),
        ]
    )
    async with serving(app, "127.0.0.1", 0) as address:
        made.address = address.removeprefix("http://")
        yield made
