"""Bodies that the API reads, and what every route takes from a request."""

from __future__ import annotations

import hashlib
from typing import Annotated

from fastapi import Depends, Header, Request
from pydantic import BaseModel, ConfigDict, Field

from outrider.operations.application import Application, Text
from outrider.operations.opening import Order
from outrider.portal.principal import Asker

MOST_SPEC = 1_000_000
# The columns hold no more, and neither Nomad's indexes nor our numbers come near.
MOST_INTEGER = 2**31 - 1
MOST_INDEX = 2**63 - 1
Sha256 = Annotated[str, Field(pattern="^[0-9a-f]{64}$")]


class Body(BaseModel):
    """A body of ours: fields that nobody knows are refused, not dropped."""

    model_config = ConfigDict(extra="forbid")


class SpecBody(Body):
    """A service spec to plan."""

    spec: Annotated[str, Field(max_length=MOST_SPEC, description="The YAML text.")]
    file: Annotated[str, Field(max_length=4096, description="Its name, for messages.")] = "outrider.yaml"
    artifact: Annotated[Sha256 | None, Field(description="SHA-256 of the packed directory, uploaded before.")] = None
    redeploy: Annotated[bool, Field(description="Take today's sidecar even where the service does not change.")] = False

    def text(self) -> Text:
        """The spec as operations take it."""
        return Text(self.spec, self.file, self.artifact)


class DeployBody(SpecBody):
    """A service spec to deploy."""

    check_index: Annotated[
        int | None, Field(ge=0, le=MOST_INDEX, description="Deploy only if the plan still holds.")
    ] = None
    take_over: Annotated[bool, Field(description="Replace a job that Outrider did not deploy.")] = False


class RollbackBody(Body):
    """Which version to bring back; left out: the one before."""

    version: Annotated[int | None, Field(ge=1, le=MOST_INTEGER)] = None


class ScaleBody(Body):
    """How many allocations."""

    count: Annotated[int, Field(ge=0, le=10_000)]


class StopBody(Body):
    """Whether Nomad forgets the job too."""

    purge: bool = False


class EmptyBody(Body):
    """Nothing to say."""


def application_of(request: Request) -> Application:
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


Running = Annotated[Application, Depends(application_of)]
Ordered = Annotated[Order, Depends(order_of)]
