"""RFC 9457 problem documents of the portal, read back into the errors that the operation raised there."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, cast

from outrider_ground.errors import ConflictError, OutriderError, Problem, RemoteError, SpecError, UsageError
from pydantic import ValidationError

from outrider.clients.http import RefusedError
from outrider.operations.answers.blockers import BlockedError, Blocker
from outrider.operations.answers.problem import ProblemDocument

KINDS: Mapping[int, type[OutriderError]] = {400: UsageError, 404: UsageError, 409: ConflictError, 412: ConflictError}


def error_of(error: RemoteError) -> OutriderError:
    """The error that the portal describes in its answer; `error` itself where the answer is no problem document."""
    document = _document(error)
    if document is None:
        return error
    next_step = document.next_step or error.next_step
    if document.problems:
        return SpecError(tuple(Problem(**one.model_dump()) for one in document.problems), next_step=next_step)
    message = document.detail or document.title or error.message
    if document.blockers:
        stops = tuple(Blocker(**one.model_dump()) for one in document.blockers)
        return BlockedError(message, stops, next_step=next_step)
    kind = KINDS.get(error.status or 0)
    return (
        kind(message, next_step=next_step) if kind else RemoteError(message, status=error.status, next_step=next_step)
    )


def _document(error: RemoteError) -> ProblemDocument | None:
    """One may leave out everything but what is wrong: a proxy of somebody else's may write problems too."""
    try:
        found: Any = json.loads(error.body) if isinstance(error, RefusedError) else None
        if not isinstance(found, dict) or {"detail", "title"}.isdisjoint(cast("dict[str, Any]", found)):
            return None
        usual = {"type": "about:blank", "title": "", "detail": "", "status": error.status}
        return ProblemDocument.model_validate(usual | cast("dict[str, Any]", found))
    except (ValueError, ValidationError):
        return None
