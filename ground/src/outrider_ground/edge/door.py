"""Who may come in: programs, people and pages of our own; no page of another site, under no borrowed name.

A browser cannot be kept from sending. What it cannot do is lie about `Host`, `Origin` and `Sec-Fetch-*`: a page sets
none of them (https://fetch.spec.whatwg.org, forbidden request-headers). Programs send `Host` alone, and pass.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from outrider_ground.edge.names import (
    DEFAULT_PORTS,
    LOOPBACK_NAMES,
    host_and_port,
    is_address,
    is_loopback,
    names_of,
    origin_of,
)
from outrider_ground.edge.refusal import Answer, Refusal, plain_answer

HOSTS_VARIABLE = "OUTRIDER_HOSTS"
SAFE = frozenset({"GET", "HEAD"})
OWN_SITE = frozenset({"same-origin", "none"})
# What a form, or a script that asks nobody, can send besides what curl sends.
OF_FORMS = frozenset({"text/plain", "multipart/form-data"})

CROSS_SITE = Refusal(403, "Refused", "a page of another site may not ask for anything here")
FORM_BODY = Refusal(
    415,
    "Not a body for this",
    "a body of this type is what a web page's form sends, and forms do nothing here",
    "Send JSON, as application/json.",
)


class Door:
    """Passes a request on, or answers 421 (another name), 403 (another site's page) or 415 (a form's body).

    Known are the names of loopback, ``hosts``, the host of ``url`` and the address at which the connection arrived.
    ``url`` is where people reach the server, where that is known. ``refuses_forms`` is for applications that read any
    body as what they need.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        hosts: Iterable[str] = (),
        url: str | None = None,
        answer: Answer = plain_answer,
        refuses_forms: bool = False,
    ) -> None:
        self._app = app
        self._names = names_of([*hosts, url or ""]) | LOOPBACK_NAMES
        self._origin = origin_of(url) if url else None
        self._answer = answer
        self._refuses_forms = refuses_forms

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or refuse it."""
        refusal = self._refusal(scope) if scope["type"] != "lifespan" else None
        await (self._answer(refusal) if refusal else self._app)(scope, receive, send)

    def _refusal(self, scope: Scope) -> Refusal | None:
        headers = Headers(scope=scope)
        if not self._is_known(scope, headers.getlist("host")):
            return _other_name(headers.get("host", ""))
        if self._is_foreign(headers) or not _is_own_site(scope, headers):
            return CROSS_SITE
        if self._refuses_forms and scope.get("method") == "POST" and _media_types(headers) & OF_FORMS:
            return FORM_BODY
        return None

    def _is_known(self, scope: Scope, hosts: Collection[str]) -> bool:
        """A request without a Host (HTTP/1.0) comes from no browser."""
        return all(self._is_name(scope, host) for host in hosts)

    def _is_name(self, scope: Scope, host: str) -> bool:
        found = host_and_port(host)
        if found is None:
            return False
        arrived = names_of([(scope.get("server") or ("",))[0]])
        return (
            found.name in self._names or is_loopback(found.name) or (is_address(found.name) and found.name in arrived)
        )

    def _is_foreign(self, headers: Headers) -> bool:
        """Whether an Origin is none of our own; ``null`` is anybody's, unless the browser vouches for the page."""
        own = headers.get("host", "")
        vouched = headers.getlist("sec-fetch-site") == ["same-origin"]
        origins = [origin for origin in headers.getlist("origin") if not (vouched and origin == "null")]
        return any(not self._is_own_origin(origin, own) for origin in origins)

    def _is_own_origin(self, origin: str, host: str) -> bool:
        found, here = origin_of(origin), host_and_port(host)
        if found is None:
            return False
        scheme, there = found
        asked = here and (here.name, here.port or DEFAULT_PORTS.get(scheme))
        return found == self._origin or asked == (there.name, there.port)


def _is_own_site(scope: Scope, headers: Headers) -> bool:
    """Whether it is no other site's page that asks; a link that somebody has followed is their own wish."""
    sites = headers.getlist("sec-fetch-site")
    if all(site in OWN_SITE for site in sites):
        return True
    mode, destination = headers.getlist("sec-fetch-mode"), headers.getlist("sec-fetch-dest")
    return scope.get("method") in SAFE and (mode, destination) == (["navigate"], ["document"])


def _media_types(headers: Headers) -> set[str]:
    return {value.partition(";")[0].strip().lower() for value in headers.getlist("content-type")}


def _other_name(host: str) -> Refusal:
    said = f"under the name {host!r}" if host.isprintable() else "under this name"
    step = (
        f"Ask for it by its address, or allow the name: {HOSTS_VARIABLE}=NAME in the server's environment, or "
        "portal.url in the platform file."
    )
    return Refusal(421, "Another name", f"this server is not to be asked {said}", step)
