"""Whoever has the token: programs send it as bearer, browsers as a password; guessing it is slow, and is logged."""

from __future__ import annotations

import base64
import binascii
import hmac
import logging
import math
import time

from outrider_ground.edge.refusal import Refusal
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from outrider.portal.attempts import Allowance, Attempts, Peer, peers_of
from outrider.portal.principal import vouched
from outrider.portal.problems import refused

OPEN = frozenset({"/api/v1/health", "/api/v1/openapi.json"})
# Nodes fetch artifacts by an unguessable name; style and script of the pages are the same for everybody.
OPEN_BELOW = ("/artifacts/", "/static/")
ONE, PROXY = Allowance(), Allowance(burst=100, refill_s=0.2)
NEXT_STEP = "Set OUTRIDER_TOKEN to the portal's token; in a browser it is the password, and any user name will do."

log = logging.getLogger("outrider.portal")


class Guard:
    """Refuses before anything else looks at a request: 401 without the token, 429 after too many wrong ones."""

    def __init__(self, app: ASGIApp, token: str | None, *, one: Allowance = ONE, proxy: Allowance = PROXY) -> None:
        self._app = app
        self._token = None if token is None else token.encode()
        self._attempts = Attempts(one, proxy)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or answer 401 or 429."""
        if self._token is None or not _is_guarded(scope):
            await self._app(scope, receive, send)
            return
        refusal = self._refusal(scope, self._token)
        await (refused(refusal) if refusal else self._app)(vouched(scope, "token"), receive, send)

    def _refusal(self, scope: Scope, token: bytes) -> Refusal | None:
        headers = Headers(scope=scope)
        given = headers.get("authorization", "")
        if not given:
            return _without_token(scope)
        now, peers = time.monotonic(), peers_of((scope.get("client") or ("",))[0], headers.get("x-forwarded-for", ""))
        wait_s = self._attempts.wait_s(peers, now)
        if wait_s > 0:
            return _too_many(wait_s)
        if hmac.compare_digest(_candidate(given), token):
            return None
        self._attempts.failed(peers, now)
        _told(peers)
        return _without_token(scope)


def _is_guarded(scope: Scope) -> bool:
    path = str(scope.get("path", ""))
    return scope["type"] != "lifespan" and path not in OPEN and not path.startswith(OPEN_BELOW)


def _candidate(given: str) -> bytes:
    """The bytes that are said to be the token; none where they cannot be read."""
    scheme, _, rest = given.partition(" ")
    read = {"bearer": _bearer, "basic": _password}.get(scheme.lower())
    return read(rest.strip()) if read else b""


def _bearer(given: str) -> bytes:
    """A header is latin-1 to the server and bytes to its sender."""
    return given.encode("latin-1", "replace")


def _password(given: str) -> bytes:
    """The password of `Basic` credentials; empty where they cannot be read."""
    try:
        return base64.b64decode(given.encode("latin-1", "replace"), validate=True).partition(b":")[2]
    except binascii.Error:
        return b""


def _without_token(scope: Scope) -> Refusal:
    is_program = str(scope.get("path", "")).startswith("/api/")
    scheme = "Bearer" if is_program else 'Basic realm="Outrider", charset="UTF-8"'
    return Refusal(401, "No valid token", "this portal asks for a token", NEXT_STEP, {"WWW-Authenticate": scheme})


def _too_many(wait_s: float) -> Refusal:
    wait = math.ceil(wait_s)
    return Refusal(
        429,
        "Too many wrong tokens",
        "too many wrong tokens came from this address",
        f"Try again in {wait} s, with the right one.",
        {"Retry-After": str(wait)},
    )


def _told(peers: tuple[Peer, ...]) -> None:
    """One line for each token that was looked at: their number is bounded, and a peer's name is escaped."""
    log.warning("a wrong token came from %s", ", ".join(ascii(peer.name) for peer in peers))
