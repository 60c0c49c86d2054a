"""What every route takes from a request: the application, who asks, the spec that was sent."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass, replace
from typing import Annotated

from fastapi import Depends, Header, Request, Response
from fastapi.requests import HTTPConnection
from outrider_ground.errors import UsageError

from outrider.operations.answers.plan import Basis
from outrider.operations.answers.proposal import Proposal
from outrider.operations.application import Application
from outrider.operations.change.difference import Wanted
from outrider.operations.change.documents import Text
from outrider.operations.opening import Order
from outrider.operations.request_bodies import (
    ChangeBody,
    DeployBody,
    EditBody,
    SideBody,
    SourceBody,
    SpecBody,
    SpecEntry,
)
from outrider.operations.version_source import VersionSource, without_credentials
from outrider.portal.principal import Asker


def text_of(body: SpecBody | SpecEntry) -> Text:
    """The spec as operations take it."""
    return Text(body.spec, body.file, body.artifact, source=source_of(body.source))


def source_of(body: SourceBody | None) -> VersionSource | None:
    """Where it came from; whatever is sent, no credentials of an address are kept."""
    if body is None:
        return None
    return VersionSource(
        path=body.path,
        repository=without_credentials(body.repository),
        commit=body.commit,
        has_changes=body.has_changes,
        run=without_credentials(body.run),
    )


def basis_of(body: DeployBody) -> Basis | None:
    """What the plan that is to be deployed stands on."""
    return Basis(**body.basis.model_dump()) if body.basis else None


def wanted_of(body: SideBody) -> Wanted:
    """One side of a comparison as operations take it."""
    text = Text(body.spec, body.file, body.artifact) if body.spec is not None else None
    return Wanted(body.environment, body.service, body.version, text)


def application_of(request: HTTPConnection) -> Application:
    """The application that this portal shows."""
    found: Application = request.app.state.application
    return found


async def order_of(
    request: Request,
    by: Asker,
    key: Annotated[str | None, Header(alias="Idempotency-Key", max_length=255)] = None,
) -> Order:
    """Who asks, and what makes a repeated request the same one: its key, its address and its body."""
    content = f"{request.method} {request.url.path}\n".encode() + await request.body()
    return Order(by=by, key=key, request_hash=hashlib.sha256(content).hexdigest())


def because(order: Order, body: ChangeBody | None) -> Order:
    """The order with what its body says of why, and of what it goes past."""
    return order if body is None else replace(order, reason=body.reason.strip(), overrides=body.overrides)


Running = Annotated[Application, Depends(application_of)]
Ordered = Annotated[Order, Depends(order_of)]

TAG = re.compile(r'"([0-9]{1,9})-([0-9]{1,18})"')


async def named(environment: str, service: str) -> tuple[str, str]:
    """The environment and the service that the address names."""
    return environment, service


@dataclass(frozen=True, slots=True)
class Claim:
    """An order on what was shown: of which version, where that was said."""

    order: Order
    version: int | None = None

    def on(self, body: EditBody) -> tuple[Order, int | None]:
        """The order and the version; what the body says goes before the tag."""
        index = self.order.check_index if body.check_index is None else body.check_index
        return because(replace(self.order, check_index=index), body), body.version or self.version


async def held(
    order: Ordered,
    if_match: Annotated[
        str | None, Header(alias="If-Match", description="The ETag of the plan: done only if it still holds.")
    ] = None,
) -> Claim:
    """The order, on the index that the tag of a plan says, and the version that it was of."""
    if if_match is None or if_match.strip() == "*":
        return Claim(order)
    found = TAG.fullmatch(if_match.strip())
    if found is None:
        raise UsageError(f"If-Match {if_match} is no tag of a plan", next_step="Send the ETag that the plan came with.")
    return Claim(replace(order, check_index=int(found[2])), int(found[1]))


Named = Annotated[tuple[str, str], Depends(named)]
Held = Annotated[Claim, Depends(held)]


def tagged(response: Response, found: Proposal) -> Proposal:
    """The proposal, with its tag in the answer's head."""
    response.headers["ETag"] = f'"{found.tag}"'
    return found
