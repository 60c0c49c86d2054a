"""RFC 9457 problem documents of the portal, read back into the errors that the operation raised there."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, cast

from outrider_ground.errors import ConflictError, OutriderError, Problem, RemoteError, SpecError, UsageError

from outrider.clients.http import RefusedError

KINDS: Mapping[int, type[OutriderError]] = {400: UsageError, 404: UsageError, 409: ConflictError, 412: ConflictError}
PROBLEM_FIELDS = ("suggestion", "file", "line", "column")


def error_of(error: RemoteError) -> OutriderError:
    """The error that the portal describes in its answer; `error` itself where the answer is no problem document."""
    document = _document(error)
    if document is None:
        return error
    problems = tuple(_problem(entry) for entry in document.get("problems") or ())
    next_step = document.get("next_step") or error.next_step
    if problems:
        return SpecError(problems, next_step=next_step)
    message = str(document.get("detail") or document.get("title") or error.message)
    kind = KINDS.get(error.status or 0)
    return (
        kind(message, next_step=next_step) if kind else RemoteError(message, status=error.status, next_step=next_step)
    )


def _document(error: RemoteError) -> dict[str, Any] | None:
    try:
        document: Any = json.loads(error.body) if isinstance(error, RefusedError) else None
    except ValueError:
        return None
    is_problem = isinstance(document, dict) and not {"detail", "title"}.isdisjoint(cast("dict[str, Any]", document))
    return cast("dict[str, Any]", document) if is_problem else None


def _problem(entry: Mapping[str, Any]) -> Problem:
    known = {name: entry.get(name) for name in PROBLEM_FIELDS}
    return Problem(path=entry.get("path") or "", message=entry.get("message") or "", **known)
