"""Who may ask: whoever has the token, and no page of another site may change anything in a person's name."""

from __future__ import annotations

import base64
import binascii
import hmac
from urllib.parse import urlsplit

from fastapi import Request
from starlette.types import ASGIApp, Receive, Scope, Send

from outrider.portal.problems import problem

SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
OWN_SITE = frozenset({"same-origin", "none"})
OPEN = frozenset({"/api/v1/health", "/api/v1/openapi.json"})
# Nodes fetch artifacts by an unguessable name; style and script of the pages are the same for everybody.
OPEN_BELOW = ("/artifacts/", "/static/")


class Guard:
    """Refuses before anything else looks at a request: programs send the token as bearer, browsers as a password."""

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
            step = (
                "Set OUTRIDER_TOKEN to the portal's token; in a browser it is the password, and any user name will do."
            )
            refusal = problem(401, "No valid token", "this portal asks for a token", next_step=step)
            is_program = request.url.path.startswith("/api/")
            refusal.headers["WWW-Authenticate"] = "Bearer" if is_program else 'Basic realm="Outrider", charset="UTF-8"'
        await (refusal or self._app)(scope, receive, send)


def is_cross_site(request: Request) -> bool:
    """Whether a browser says that another site's page sends this; programs send neither header."""
    site = request.headers.get("sec-fetch-site")
    if site is not None:
        return site not in OWN_SITE
    origin = request.headers.get("origin")
    return origin is not None and urlsplit(origin).netloc != request.headers.get("host")


def _is_guarded(request: Request) -> bool:
    return request.url.path not in OPEN and not request.url.path.startswith(OPEN_BELOW)


def _has_token(request: Request, token: str) -> bool:
    scheme, _, given = request.headers.get("authorization", "").partition(" ")
    candidate = {"bearer": given.strip(), "basic": _password(given)}.get(scheme.lower(), "")
    return hmac.compare_digest(candidate.encode(), token.encode())


def _password(given: str) -> str:
    """The password of `Basic` credentials; empty where they cannot be read."""
    try:
        return base64.b64decode(given, validate=True).decode().partition(":")[2]
    except (binascii.Error, UnicodeDecodeError):
        return ""
