"""Errors as problem documents (RFC 9457); what is no error of ours is a defect, told without its inside."""

from __future__ import annotations

import dataclasses
import logging
from collections.abc import Sequence
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError, WebSocketRequestValidationError
from fastapi.responses import JSONResponse
from outrider_ground.edge.refusal import Refusal, TurnedAwayError
from outrider_ground.errors import ConflictError, DeployFailed, OutriderError, RemoteError, SpecError, UsageError
from starlette.exceptions import HTTPException

from outrider.operations.answers.blockers import BlockedError
from outrider.operations.answers.problem import BlockerProblem, FieldProblem, ProblemDocument, SpecProblem

MEDIA_TYPE = "application/problem+json"
UNAVAILABLE = 503
UNKEPT = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}
STATUSES: dict[type[OutriderError], tuple[int, str]] = {
    SpecError: (422, "The spec cannot be used"),
    UsageError: (404, "There is no such thing"),
    BlockedError: (409, "It cannot go yet"),
    ConflictError: (409, "Somebody was faster"),
    RemoteError: (502, "A server outside does not do its part"),
    DeployFailed: (409, "The deployment failed"),
    OutriderError: (500, "It does not work here"),
}

MALFORMED = (RequestValidationError, WebSocketRequestValidationError)

log = logging.getLogger("outrider.portal")


def answered(document: ProblemDocument) -> JSONResponse:
    """The answer that a problem is, what it has no word for left out."""
    found = {name: value for name, value in document.model_dump(mode="json").items() if value is not None}
    return JSONResponse(found, document.status, UNKEPT, MEDIA_TYPE)


def problem(status: int, title: str, detail: str, next_step: str | None = None) -> JSONResponse:
    """One that is told in a sentence."""
    document = ProblemDocument(type="about:blank", title=title, status=status, detail=detail, next_step=next_step)
    return answered(document)


def refused(refusal: Refusal) -> JSONResponse:
    """The document of a request that is refused at the door."""
    answer = problem(refusal.status, refusal.title, refusal.detail, next_step=refusal.next_step)
    answer.headers.update(refusal.headers)
    return answer


def answer_problems(app: FastAPI) -> None:
    """Let the application answer every error as a problem document."""
    app.add_exception_handler(TurnedAwayError, _refused)
    app.add_exception_handler(OutriderError, _expected)
    app.add_exception_handler(RequestValidationError, _malformed)
    app.add_exception_handler(WebSocketRequestValidationError, _malformed)
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(Exception, _defect)


def expected(error: OutriderError) -> JSONResponse:
    """The answer that one of our own errors is."""
    return answered(document_of(error))


def document_of(error: OutriderError) -> ProblemDocument:
    """The document of one of our own errors, by who has to act."""
    kind = next(kind for kind in type(error).__mro__ if kind in STATUSES)
    status, title = STATUSES[kind]
    if isinstance(error, RemoteError) and error.status == UNAVAILABLE:
        status = UNAVAILABLE
    found = error.problems if isinstance(error, SpecError) else None
    stops = error.blockers if isinstance(error, BlockedError) else None
    return ProblemDocument(
        type="about:blank",
        title=title,
        status=status,
        detail=error.message,
        next_step=error.next_step,
        problems=None if found is None else [SpecProblem(**dataclasses.asdict(one)) for one in found],
        blockers=None if stops is None else [BlockerProblem(**dataclasses.asdict(one)) for one in stops],
    )


async def _expected(request: Request, error: Exception) -> JSONResponse:
    del request
    return expected(error if isinstance(error, OutriderError) else OutriderError(str(error)))


async def _refused(request: Request, error: Exception) -> JSONResponse:
    del request
    assert isinstance(error, TurnedAwayError)  # noqa: S101  registered for these
    return refused(error.refusal)


async def _malformed(request: Request, error: Exception) -> JSONResponse:
    """A body or parameter that is not what the API describes. Values are left out: they may be secret."""
    del request
    entries: Sequence[dict[str, Any]] = error.errors() if isinstance(error, MALFORMED) else ()
    fields = [FieldProblem(path=_path(entry["loc"]), message=str(entry["msg"])) for entry in entries]
    said = "; ".join(f"{one.path}: {one.message}" for one in fields) or "it cannot be read"
    title = "The request cannot be read"
    return answered(ProblemDocument(type="about:blank", title=title, status=400, detail=said, fields=fields))


async def _http(request: Request, error: Exception) -> JSONResponse:
    status, detail = (error.status_code, str(error.detail)) if isinstance(error, HTTPException) else (500, "")
    answer = problem(status, detail, f"{request.method} {request.scope['path']}: {detail}")
    answer.headers.update(getattr(error, "headers", None) or {})
    return answer


async def _defect(request: Request, error: Exception) -> JSONResponse:
    log.error("%s %s", request.method, ascii(request.scope["path"]), exc_info=error)
    return problem(500, "A defect of Outrider", "the portal's log has its traceback")


def _path(place: tuple[object, ...]) -> str:
    """Without the first part, which says body, query or path."""
    return ".".join(str(part) for part in place[1:])
