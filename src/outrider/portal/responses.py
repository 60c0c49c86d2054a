"""What the API answers besides success: one table, from which every operation is described."""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI

from outrider.operations.answers.problem import ProblemDocument
from outrider.portal.problems import MEDIA_TYPE

Responses = dict[int | str, dict[str, Any]]


def _table(said: dict[int, str]) -> Responses:
    return {status: {"model": ProblemDocument, "description": text} for status, text in said.items()}


ALWAYS = _table(
    {
        400: "The request cannot be read.",
        403: "A page of another site asks.",
        405: "Not with this method.",
        408: "The body did not arrive in time.",
        413: "The body is too large.",
        415: "The body is not of the type that is read here.",
        421: "This server does not go by the name in `Host`.",
        500: "A defect of Outrider; its log has the traceback.",
        503: "Busy: the database, or too many at once. Try again.",
    }
)
GUARDED = _table({401: "No valid token.", 429: "Too many wrong tokens came from this address: `Retry-After` says."})
NAMED = _table({404: "There is no such thing."})
REMOTE = _table({502: "Nomad or Consul refuses, or is away."})
CHANGING = _table({409: "Somebody was faster, or it cannot be done now.", 422: "The spec cannot be used."})


class DescribedApi(FastAPI):
    """FastAPI whose description says of errors what they are: problem documents, and 400 for what cannot be read."""

    def openapi(self) -> dict[str, Any]:
        """The description; made once."""
        if self.openapi_schema is None:
            document = super().openapi()
            for methods in document["paths"].values():
                for operation in methods.values():
                    operation["responses"] = dict(_told(operation["responses"]))
            for name in ("HTTPValidationError", "ValidationError"):
                document["components"]["schemas"].pop(name, None)
        return super().openapi()


def _told(responses: dict[str, Any]) -> list[tuple[str, Any]]:
    """The answers by their number, without those that FastAPI adds and we never give."""
    kept = {status: answer for status, answer in responses.items() if "HTTPValidationError" not in str(answer)}
    return sorted((status, _typed(status, answer)) for status, answer in kept.items())


def _typed(status: str, answer: dict[str, Any]) -> dict[str, Any]:
    if not status.startswith(("4", "5")) or "content" not in answer:
        return answer
    schema = next(content["schema"] for content in answer["content"].values() if "schema" in content)
    return {**answer, "content": {MEDIA_TYPE: {"schema": schema}}}
