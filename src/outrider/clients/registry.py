"""Registries of container images: which digest a reference has now, asked as docker asks (OCI distribution, v2 API).

Nothing is followed elsewhere: a registry that redirects is told of. Credentials go to the registry that they are for, and
to the token server that it names, over TLS, or in plain text where the operators allow that.
"""

from __future__ import annotations

import hashlib
import re
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, urlsplit

from outrider_ground.errors import RemoteError, UsageError

from outrider.clients.http import Call, Connection, Server, json_of
from outrider.clients.registry_credentials import credentials_for
from outrider.documents import nested
from outrider.spec.image import DIGEST, DOCKER_HUB, ImageReference, image_reference
from outrider.spec.platform_rules import THIS_MACHINE, same_host

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Collection, Mapping
    from pathlib import Path

    import httpx2

ANSWER_S = 5.0
UNAUTHORIZED, NOT_FOUND = 401, 404
HUB_HOST = "registry-1.docker.io"
KINDS = (
    "oci.image.index.v1",
    "docker.distribution.manifest.list.v2",
    "oci.image.manifest.v1",
    "docker.distribution.manifest.v2",
)
MANIFESTS = ", ".join(f"application/vnd.{kind}+json" for kind in KINDS)
ADVICE = (
    "Check the image, and that the portal reaches its registry; `docker login` as the portal's user keeps credentials."
)
CHALLENGE = re.compile(r'([a-z]+)="([^"]*)"', re.ASCII | re.IGNORECASE)


class RegistryClient:
    """All registries that specs name; ``plain_http`` are those, by host and port, that are asked without TLS at that moment."""

    def __init__(self, plain_http: Callable[[], Collection[str]] = tuple, credentials: Path | None = None) -> None:
        self._plain_http, self._credentials = plain_http, credentials

    async def digest(self, image: str) -> str:
        """The digest that the reference has now. UsageError: there is no such image; RemoteError: nobody can tell."""
        reference = image_reference(image)
        if reference.digest:
            return reference.digest
        async with self._connected(self.address(reference.registry)) as registry:
            found = await self._digest(registry, reference)
        if not DIGEST.fullmatch(found):
            raise RemoteError(f"{registry.server} names no digest for {image}", next_step=ADVICE)
        return found

    async def _digest(self, registry: Connection, reference: ImageReference) -> str:
        """HEAD tells it in a header; of a registry that does not, the manifest's bytes do."""
        granted: Mapping[str, str] = {}
        head = await self._manifest(registry, "HEAD", reference, granted)
        if head.status_code == UNAUTHORIZED:
            granted = await self._granted(head.headers.get("www-authenticate", ""), reference)
            head = await self._manifest(registry, "HEAD", reference, granted)
        self._check_there(registry, reference, head.status_code)
        told = head.headers.get("docker-content-digest", "").strip()
        if told:
            return told
        whole = await self._manifest(registry, "GET", reference, granted)
        self._check_there(registry, reference, whole.status_code)
        return f"sha256:{hashlib.sha256(whole.content).hexdigest()}"

    async def _manifest(
        self, registry: Connection, method: str, reference: ImageReference, granted: Mapping[str, str]
    ) -> httpx2.Response:
        path = ("v2", *reference.repository.split("/"), "manifests", reference.version)
        call = Call(method, path, headers={"Accept": MANIFESTS, **granted}, read_s=ANSWER_S)
        return await registry.answer(call, frozenset({UNAUTHORIZED, NOT_FOUND}))

    def _check_there(self, registry: Connection, reference: ImageReference, status: int) -> None:
        what = f"{reference.repository}:{reference.version}"
        if status == NOT_FOUND:
            raise UsageError(f"{registry.server} has no {what}", next_step="Push it, or name one that is there.")
        if status == UNAUTHORIZED:
            raise RemoteError(
                f"{registry.server} lets nobody see {what} without credentials", status=status, next_step=ADVICE
            )

    async def _granted(self, challenge: str, reference: ImageReference) -> Mapping[str, str]:
        """The header that a registry asks for (RFC 9110, 11.6.1): a token of its token server, or a password."""
        scheme, _, said = challenge.partition(" ")
        asked = {key.lower(): value for key, value in CHALLENGE.findall(said)}
        known = credentials_for(self._credentials, reference.registry)
        if scheme.lower() == "basic" and known:
            return {"Authorization": f"Basic {known}"}
        if scheme.lower() != "bearer" or "realm" not in asked:
            return {}
        return {"Authorization": f"Bearer {await self._token(asked, reference, known)}"}

    async def _token(self, asked: Mapping[str, str], reference: ImageReference, known: str | None) -> str:
        """https://distribution.github.io/distribution/spec/auth/token/; without credentials as anybody."""
        realm = urlsplit(asked["realm"])
        if realm.scheme != "https" and not self._is_plain(realm.netloc):
            raise RemoteError(
                f"{reference.registry} asks for a token from {asked['realm']}, which is not https", next_step=ADVICE
            )
        parameters = {
            **dict(parse_qsl(realm.query)),
            **({"service": asked["service"]} if "service" in asked else {}),
            "scope": f"repository:{reference.repository}:pull",
        }
        headers = {"Authorization": f"Basic {known}"} if known else {}
        path = tuple(part for part in realm.path.split("/") if part)
        async with self._connected(f"{realm.scheme}://{realm.netloc}") as server:
            call = Call("GET", path, parameters, headers, read_s=ANSWER_S)
            found = nested({"": json_of(server, call, await server.answer(call))}, "")
            token = found.get("token") or found.get("access_token")
        if not isinstance(token, str) or not token.isprintable():
            raise RemoteError(f"{server.server} gives no token", next_step=ADVICE)
        return token

    def address(self, registry: str) -> str:
        """Where a registry is asked: over TLS, but for those that need none."""
        host = HUB_HOST if registry == DOCKER_HUB else registry
        return f"{'http' if self._is_plain(host) else 'https'}://{host}"

    def _is_plain(self, host: str) -> bool:
        """Whether it may be asked without TLS: on this machine, or where the operators say so."""
        return host in self._plain_http() or same_host(urlsplit(f"//{host}").hostname or "") == THIS_MACHINE

    @asynccontextmanager
    async def _connected(self, address: str) -> AsyncGenerator[Connection]:
        made = Connection(Server(name="the registry", address=address, advice=ADVICE), connections=1)
        try:
            yield made
        finally:
            await made.close()
