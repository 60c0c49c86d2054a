"""Who may ask: the bearer token of the API, and no page of another site may change anything in a person's name."""

from __future__ import annotations

import hmac
from urllib.parse import urlsplit

from fastapi import Request
from starlette.types import ASGIApp, Receive, Scope, Send

from outrider.portal.problems import problem

SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
OWN_SITE = frozenset({"same-origin", "none"})
OPEN = frozenset({"/api/v1/health", "/api/v1/openapi.json"})


class Guard:
    """Refuses before anything else looks at a request. Artifacts stay open: nodes fetch them, by an unguessable name."""

    def __init__(self, app: ASGIApp, token: str | None) -> None:
        self._app = app
        self._token = token

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or answer 401 or 403."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request = Request(scope)
        refusal = None
        if request.method not in SAFE and is_cross_site(request):
            refusal = problem(403, "Refused", "a page of another site may not change anything here")
        elif self._token and _is_guarded(request) and not _has_token(request, self._token):
            step = "Set OUTRIDER_TOKEN to the portal's token."
            refusal = problem(401, "No valid token", "this portal asks for a bearer token", next_step=step)
            refusal.headers["WWW-Authenticate"] = "Bearer"
        await (refusal or self._app)(scope, receive, send)


def is_cross_site(request: Request) -> bool:
    """Whether a browser says that another site's page sends this; programs send neither header."""
    site = request.headers.get("sec-fetch-site")
    if site is not None:
        return site not in OWN_SITE
    origin = request.headers.get("origin")
    return origin is not None and urlsplit(origin).netloc != request.headers.get("host")


def _is_guarded(request: Request) -> bool:
    return request.url.path.startswith("/api/") and request.url.path not in OPEN


def _has_token(request: Request, token: str) -> bool:
    scheme, _, given = request.headers.get("authorization", "").partition(" ")
    return scheme.lower() == "bearer" and hmac.compare_digest(given.strip().encode(), token.encode())
