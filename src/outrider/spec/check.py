"""How Consul finds out whether an instance works: by http, tcp, grpc or a script."""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal, assert_never

from pydantic import BeforeValidator, Field, Tag, WithJsonSchema

from outrider.spec.shapes import by_key
from outrider.spec.values import Duration, Items, Line, Matching, Written, refusal, shown

HTTP_PATH = r"^/[\x21-\x7e]*$"
A_PATH = "a path that begins with / and has no spaces"
GRPC_NAME = r"^[A-Za-z0-9_./-]{1,255}$"
HEADER_NAME = r"^[A-Za-z][A-Za-z0-9_-]{0,127}$"


def grpc_name(value: Any) -> Any:
    """The name of a gRPC service, or true."""
    if value is not True and not (isinstance(value, str) and re.fullmatch(GRPC_NAME, value)):
        raise refusal(f"must be the name of a gRPC service, or true for the whole server; found {shown(value)}")
    return value


class Timed(Written):
    """What all kinds of checks share."""

    name: Line | None = None
    """Shown in Consul. Left out: made of the service's name and the kind of check."""
    interval: Annotated[int, Duration("1s", "1h")] = Field(default=10_000, examples=["5s"])
    """Time between two checks."""
    timeout: Annotated[int, Duration("1s", "10m")] = Field(default=2_000, examples=["1s"])
    """How long an answer may take."""


class HttpCheck(Timed):
    """Healthy when the answer to a request has a status of 200 to 299; 429 is a warning."""

    http: Annotated[str, Matching(HTTP_PATH, A_PATH), Field(max_length=1_000, examples=["/healthz"])]
    """Path that is asked for, through the proxy."""
    method: Literal["GET", "HEAD", "POST", "PUT", "OPTIONS"] = "GET"
    """Method of the request."""
    headers: dict[Annotated[str, Matching(HEADER_NAME, "the name of a header: letters, digits, _ and -")], Line] = (
        Field(default_factory=dict)
    )
    """Headers of the request."""


class TcpCheck(Timed):
    """Healthy when a connection to the app can be opened."""

    tcp: Literal[True]
    """Written as ``tcp: true``."""


class GrpcCheck(Timed):
    """Healthy when the app's gRPC health service says SERVING."""

    grpc: Annotated[
        str | Literal[True],
        BeforeValidator(grpc_name),
        WithJsonSchema({"anyOf": [{"type": "string", "pattern": GRPC_NAME}, {"const": True}]}),
    ]
    """Name of the gRPC service that is asked about; ``true`` for the server as a whole."""


class ScriptCheck(Timed):
    """Healthy when a program in the app's task exits with 0; 1 is a warning, anything else is critical."""

    script: Items[Annotated[str, Field(max_length=32_768)]] = Field(min_length=1, examples=[["/bin/check", "--fast"]])
    """The program and its arguments. No shell reads them."""


Check = Annotated[
    Annotated[HttpCheck, Tag("HttpCheck")]
    | Annotated[TcpCheck, Tag("TcpCheck")]
    | Annotated[GrpcCheck, Tag("GrpcCheck")]
    | Annotated[ScriptCheck, Tag("ScriptCheck")],
    by_key(
        {"http": "HttpCheck", "tcp": "TcpCheck", "grpc": "GrpcCheck", "script": "ScriptCheck"},
        "a map with one of the keys http, tcp, grpc, script, as in {http: /healthz}",
    ),
]


def usual_name(service: str, check: Check, *, has_sidecar: bool) -> str:
    """What Consul shows of a check that has no name of its own."""
    match check:
        case HttpCheck():
            return f"{service} http {check.http}"
        case GrpcCheck():
            return f"{service} grpc"
        case ScriptCheck():
            return f"{service} script {check.script[0]}"
        case TcpCheck():
            return f"{service} tcp through the sidecar" if has_sidecar else f"{service} tcp"
        case _:
            assert_never(check)
