"""What every route takes from a request: the application, who asks, the spec that was sent."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from typing import Annotated

from fastapi import Depends, Header, Request

from outrider.operations.application import Application
from outrider.operations.change.documents import Text
from outrider.operations.opening import Order
from outrider.operations.request_bodies import ChangeBody, SpecBody, SpecEntry
from outrider.portal.principal import Asker


def text_of(body: SpecBody | SpecEntry) -> Text:
    """The spec as operations take it."""
    return Text(body.spec, body.file, body.artifact)


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


def because(order: Order, body: ChangeBody | None) -> Order:
    """The order with what its body says of why, and of what it goes past."""
    return order if body is None else replace(order, reason=body.reason.strip(), overrides=body.overrides)


Running = Annotated[Application, Depends(application_of)]
Ordered = Annotated[Order, Depends(order_of)]
