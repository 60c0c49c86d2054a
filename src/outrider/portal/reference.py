"""The API's reference page, made of its OpenAPI description: pure."""

from __future__ import annotations

from outrider.documents import Json
from outrider.portal.responses import ALWAYS

FIRST_ERROR = 400

HEAD = """# The portal's API

Generated from the portal's OpenAPI 3.1 description, which every portal serves at `/api/v1/openapi.json`.

Errors are problem documents (RFC 9457, `application/problem+json`): `detail` says what is wrong, `next_step` what can
be done, and a spec that cannot be used (422) has all its `problems` with `path`, `file`, `line` and `column`. Every call
may answer these:

{everywhere}
Which of the others a call may answer stands beside it: 401: no valid token; 404: there is no such thing; 409: somebody
was faster; 422: the spec cannot be used; 429: too many wrong tokens; 502: Nomad or Consul refuses or is away.

Where the portal has a token (`OUTRIDER_TOKEN`), requests to `/api` carry it as `Authorization: Bearer TOKEN`. A body is
JSON and says so (`Content-Type: application/json`); it has at most 6 MiB, an upload as many as `keep.upload_mib` says. The `Host` of a request
is a name of the portal: loopback, the address it listens on, the host of `portal.url`, or one in `OUTRIDER_HOSTS`. No
answer under `/api` may be kept (`Cache-Control: no-store`) or taken for another type (`nosniff`). A
`POST` that starts a deployment takes an `Idempotency-Key`: the same request with the same key is done once. Events are
a stream (`text/event-stream`, resumed by `Last-Event-ID`), or a list with `Accept: application/json`.
"""

EVENTS = """A deployment's events are numbered from 1 without gaps. Each has `number`, `at`, `kind`, `message` (a line for a
person) and `detail`, which is of the kind's own shape; the last one is the verdict. A kind that you do not know, of a newer
portal, can be shown by its `message`. In the stream, a kind is the name of the event and a number its id."""


EXEC = """## GET /api/v1/environments/{environment}/services/{service}/exec (WebSocket)

Runs a command beside a task: who, where and what is kept, and listed at `…/execs`. What can be refused before it begins is answered by a
status and a problem document; 503 says that as many run as the portal serves.

| | |
|---|---|
| query `command` | once for each word; left out `/bin/sh`; 6,000 bytes together |
| query `task` | `app` |
| query `allocation` | the beginning of an id; left out one that is healthy |
| query `tty` | `true` for a terminal |
| to the portal | `{"stdin": {"data": BASE64}}`, `{"stdin": {"close": true}}`, `{"tty_size": {"height": N, "width": N}}`; at most 64 KiB each |
| from the portal | `{"started": {"exec", "allocation", "task"}}`, `{"stdout": {"data": BASE64}}`, `{"stderr": …}`, and last `{"exited": true, "result": {"exit_code": N}}` (no code is 0) or `{"problem": …}`, a problem document |
"""


def api_reference(document: Json) -> str:
    """The page as Markdown, from an OpenAPI description."""
    calls = [
        _call(path, method, operation)
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
    ]
    return "\n".join([HEAD.format(everywhere=_everywhere()), *calls, EXEC, _events(document["components"]["schemas"])])


def _events(schemas: dict[str, Json]) -> str:
    """What each kind of event means, and what its detail has."""
    members = [schemas[_name(one)] for one in schemas["Events"]["properties"]["events"]["items"]["oneOf"]]
    rows = [_event(one["properties"], one["description"], schemas) for one in members]
    head = ["## Events", "", EVENTS, "", "| kind | when | detail |", "|---|---|---|"]
    return "\n".join([*head, *rows, ""])


def _event(fields: dict[str, Json], meaning: str, schemas: dict[str, Json]) -> str:
    detail = schemas[_name(fields["detail"])]
    told = [f"`{name}`" for name in detail.get("properties", {})]
    said = f"{detail['description']} {', '.join(told)}".strip()
    return f"| `{fields['kind']['const']}` | {meaning} | {said.replace('``', '`')} |"


def _name(part: Json) -> str:
    return str(part["$ref"]).rpartition("/")[2]


def _everywhere() -> str:
    return "\n".join(
        ["| | |", "|---|---|", *(f"| {status} | {said['description']} |" for status, said in ALWAYS.items()), ""]
    )


def _call(path: str, method: str, operation: Json) -> str:
    lines = [f"## {method.upper()} {path}", "", str(operation.get("description", "")).strip(), ""]
    responses: dict[str, Json] = operation["responses"]
    answers = [
        f"{status} {_schema(answer)}".strip() for status, answer in responses.items() if int(status) < FIRST_ERROR
    ]
    errors = [status for status in responses if int(status) >= FIRST_ERROR and int(status) not in ALWAYS]
    rows = [("body", _schema(operation["requestBody"]))] if "requestBody" in operation else []
    rows += [(f"{one['in']} `{one['name']}`", _kind(one["schema"])) for one in operation.get("parameters", [])]
    rows += [("answer", ", ".join(answers))]
    rows += [("errors", ", ".join(errors))] if errors else []
    return "\n".join([*lines, "| | |", "|---|---|", *(f"| {name} | {value} |" for name, value in rows), ""])


def _schema(part: Json) -> str:
    contents: dict[str, Json] = part.get("content", {})
    kinds = [_kind(content.get("schema", {})) or media_type for media_type, content in contents.items()]
    return " or ".join(dict.fromkeys(kinds))


def _kind(schema: Json) -> str:
    """The name of a schema, or its type."""
    if "$ref" in schema:
        return f"`{_name(schema)}`"
    choices: list[Json] = schema.get("anyOf", [])
    if choices:
        return " or ".join(_kind(choice) for choice in choices if choice.get("type") != "null")
    return str(schema.get("type", ""))
