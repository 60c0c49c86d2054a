"""Who asks, decided here for every route and page: what the guard vouches for, with the name that the request gives."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, Header
from fastapi.requests import HTTPConnection
from starlette.types import Scope

from outrider.operations.principal import Principal, PrincipalKind

VOUCHED = "outrider.principal_kind"


def vouched(scope: Scope, kind: PrincipalKind) -> Scope:
    """The request as somebody's of that kind; without this it is nobody's."""
    return {**scope, VOUCHED: kind}


def principal_of(
    request: HTTPConnection, name: Annotated[str, Header(alias="X-Outrider-User", max_length=255)] = "anonymous"
) -> Principal:
    """Who asks; the name is a word for the history and proves nothing."""
    return Principal(request.scope.get(VOUCHED, "anonymous"), name)


Asker = Annotated[Principal, Depends(principal_of)]
