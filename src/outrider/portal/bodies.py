"""Which bodies the API takes: JSON that says so, and packed directories, read as they come."""

from __future__ import annotations

import re

from outrider_ground.edge.intake import has_body
from outrider_ground.edge.refusal import Refusal
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from outrider.portal.problems import refused

UPLOAD = re.compile(r"/api/v1/artifacts/[^/]*")
JSON_TYPE = re.compile(r"application/([a-z0-9.+-]+\+)?json")
NOT_JSON = Refusal(
    415,
    "Not JSON",
    "the body of this request is read as JSON, and its Content-Type says something else",
    "Send `Content-Type: application/json`.",
)


def is_upload(scope: Scope) -> bool:
    """Whether the request brings an artifact, which its route reads by itself."""
    return scope.get("method") == "PUT" and UPLOAD.fullmatch(scope["path"]) is not None


class JsonBodies:
    """415 for a body that does not say that it is JSON: a web page can send any other type without asking."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or refuse it."""
        is_other = scope["type"] == "http" and has_body(scope) and not is_upload(scope) and not _is_json(scope)
        await (refused(NOT_JSON) if is_other else self._app)(scope, receive, send)


def _is_json(scope: Scope) -> bool:
    said = Headers(scope=scope).get("content-type", "").partition(";")[0].strip().lower()
    return JSON_TYPE.fullmatch(said) is not None
