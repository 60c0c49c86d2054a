"""The shop's few lines of web framework: routes in, JSON out, and calls to upstreams that carry the trace headers."""

from __future__ import annotations

import json
import os
import re
import signal
import sys
import threading
from collections.abc import Callable, Mapping
from http.client import HTTPConnection, HTTPException
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple
from urllib.parse import urlsplit

# What a request brought in goes out on the calls that it causes: that is all a mesh needs to draw a trace.
TRACE_HEADERS = (
    "x-request-id", "b3", "x-b3-traceid", "x-b3-spanid", "x-b3-parentspanid", "x-b3-sampled", "x-b3-flags",
    "traceparent", "tracestate",
)  # fmt: skip
# An upstream's own timeout stands in the spec and is kept by the sidecar; this one only ends a call to a dead sidecar.
LAST_RESORT_S = 30


class Answer(NamedTuple):
    """A status and a document."""

    status: int
    body: Any


class Request(NamedTuple):
    """What a route is given: the parts of the path that its pattern names, the body, and the trace headers."""

    values: Mapping[str, str]
    body: Any
    trace: Mapping[str, str]

    def call(self, upstream: str, path: str, method: str = "GET", body: Any = None) -> Answer:
        """The upstream's answer; a sidecar that cannot be reached answers 503 as it would itself."""
        place = urlsplit(os.environ[f"{upstream.upper().replace('-', '_')}_URL"])
        connection = HTTPConnection(place.hostname or "", place.port, timeout=LAST_RESORT_S)
        try:
            connection.request(method, path, json.dumps(body) if body is not None else None, dict(self.trace))
            answer = connection.getresponse()
            return Answer(answer.status, _document(answer.read()))
        except (OSError, HTTPException) as error:
            return Answer(503, {"error": f"{upstream}: {error}"})
        finally:
            connection.close()


Route = Callable[[Request], Answer]


def serve(routes: Mapping[str, Route]) -> None:
    """Answer on $HOST:$PORT until SIGTERM; keys of ``routes`` are like ``GET /items/<id>``."""
    patterns = [(_pattern(key), route) for key, route in {"GET /healthz": _healthy, **routes}.items()]
    server = _Server((os.environ["HOST"], int(os.environ["PORT"])), _handler(patterns))
    signal.signal(signal.SIGTERM, lambda _signal, _frame: threading.Thread(target=server.shutdown).start())
    print(f"{os.environ['OUTRIDER_SERVICE']} listens on {os.environ['HOST']}:{os.environ['PORT']}", flush=True)
    server.serve_forever(poll_interval=0.1)


class _Server(ThreadingHTTPServer):
    # Python's five are full in one burst, and then the system lets connections wait in silence until callers give up.
    request_queue_size = 128


def _healthy(_: Request) -> Answer:
    return Answer(200, {"status": "healthy"})


def _pattern(key: str) -> re.Pattern[str]:
    return re.compile(re.sub(r"<(\w+)>", r"(?P<\1>[^/?]+)", key) + r"(?:\?.*)?")


def _document(text: bytes) -> Any:
    try:
        return json.loads(text or b"null")
    except ValueError:
        return text.decode(errors="replace")


def _answer(patterns: list[tuple[re.Pattern[str], Route]], line: str, body: Any, trace: Mapping[str, str]) -> Answer:
    for pattern, route in patterns:
        if match := pattern.fullmatch(line):
            return route(Request(match.groupdict(), body, trace))
    return Answer(404, {"error": f"no route for {line}"})


def _handler(patterns: list[tuple[re.Pattern[str], Route]]) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        # Headers and body leave together: apart, they would wait for each other's acknowledgement (40 ms).
        wbufsize = -1
        disable_nagle_algorithm = True

        def do_GET(self) -> None:
            trace = {name: self.headers[name] for name in TRACE_HEADERS if name in self.headers}
            body = _document(self.rfile.read(int(self.headers.get("content-length", 0))))
            answer = _answer(patterns, f"{self.command} {self.path}", body, trace)
            text = json.dumps(answer.body, indent=1).encode() + b"\n"
            self.send_response(answer.status)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

        do_POST = do_PUT = do_GET  # noqa: N815 (the names are http.server's)

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 (the name is http.server's)
            if len(args) > 1 and str(args[1]) >= "500":
                print(format % args, file=sys.stderr, flush=True)

    return Handler
