"""The access log: failures only, as JSON lines on stdout, where Nomad keeps them."""

from __future__ import annotations

from outrider.documents import Json
from outrider.envoy.extension import extension

SERVER_ERROR = 500
BAD_REQUEST = 400
# Envoy calls an answer that is not its own ``via_upstream``, and names what it does not take of a stream ``http2.…``.
OF_THE_SIDECAR = (
    "response.code_details.startsWith('http2.') || "
    "response.code >= 400 && response.code < 500 && response.code_details != 'via_upstream'"
)
# Flags that tell of a failure even behind a good status (a stream that broke off). A caller that hangs up (DC) is none.
FLAGS = ("UC", "UR", "UT", "SI", "OM", "DPE", "UPE", "URX", "NR", "LR")
ANY = ()
# Of a connection: what came is not the protocol that is spoken here.
BROKEN = ("DPE",)
TCP_FLAGS = ("UF", "UH", "UO", "UC", "UR", "URX")

# The path without its query, which may hold what must not be logged.
FIELDS = {
    "time": "%START_TIME%",
    "method": "%REQ(:METHOD)%",
    "path": "%PATH(NQ:PATH)%",
    "status": "%RESPONSE_CODE%",
    "flags": "%RESPONSE_FLAGS%",
    "details": "%RESPONSE_CODE_DETAILS%",
    # Of a direct_response, why: routes that pass requests on have no name.
    "route": "%ROUTE_NAME%",
    "duration_ms": "%DURATION%",
    "tries": "%UPSTREAM_REQUEST_ATTEMPT_COUNT%",
    "endpoint": "%UPSTREAM_HOST%",
    # Who is connected, not who x-forwarded-for says.
    "peer": "%DOWNSTREAM_DIRECT_REMOTE_ADDRESS%",
    "request_id": "%REQ(X-REQUEST-ID)%",
    "trace_id": "%TRACE_ID%",
    # Why no connection came about; of TLS, which certificate was refused.
    "failure": "%UPSTREAM_TRANSPORT_FAILURE_REASON%",
}
TCP_FIELDS = {name: FIELDS[name] for name in ("time", "flags", "duration_ms", "endpoint", "peer", "failure")} | {
    "details": "%CONNECTION_TERMINATION_DETAILS%",
}
BROKEN_FIELDS = {name: FIELDS[name] for name in ("time", "flags", "peer")} | {
    "details": "%DOWNSTREAM_LOCAL_CLOSE_REASON%",
}


def failures(listener: str) -> list[Json]:
    """Requests that ended with 5xx, broke off, or were refused here."""
    failed = (status_filter("GE", SERVER_ERROR), _flagged(FLAGS))
    return [_log({"listener": listener} | FIELDS, _unsuccessful(*failed, _refused()))]


def refusals(listener: str) -> list[Json]:
    """Requests that were refused here, and nothing else: a check that fails is no news to the one who checks."""
    return [_log({"listener": listener} | FIELDS, _unsuccessful(_refused()))]


def tcp_failures(listener: str) -> list[Json]:
    """Connections that found no endpoint or broke off."""
    return [_log({"listener": listener} | TCP_FIELDS, _flagged(TCP_FLAGS))]


def broken_connections(listener: str) -> list[Json]:
    """Connections on which came what is no HTTP, perhaps before there was a request to log; with what is wrong of it."""
    return [_log({"listener": listener} | BROKEN_FIELDS, _flagged(BROKEN))]


def status_filter(comparison: str, status: int) -> Json:
    """Without a runtime key, which would be looked up for every request."""
    return {"status_code_filter": {"comparison": {"op": comparison, "value": {"default_value": status}}}}


def _unsuccessful(*wanted: Json) -> Json:
    """Any of these, of requests that did not simply succeed: two comparisons are all that the others pay for a log.

    A stream that ended before it had a status has a flag.
    """
    return _every_of(_any_of(status_filter("GE", BAD_REQUEST), _flagged(ANY)), _any_of(*wanted))


def _refused() -> Json:
    """4xx of the sidecar's own, and streams of HTTP/2 that it ends before they have a status. The app's own 4xx pass.

    An expression (CEL), since no other filter knows details.
    """
    kind = "extensions.access_loggers.filters.cel.v3.ExpressionFilter"
    return {"extension_filter": extension("access_loggers.extension_filters.cel", kind, expression=OF_THE_SIDECAR)}


def _any_of(first: Json, *others: Json) -> Json:
    """One filter alone stays as it is: Envoy takes no ``or`` around it."""
    return {"or_filter": {"filters": [first, *others]}} if others else first


def _every_of(*filters: Json) -> Json:
    return {"and_filter": {"filters": list(filters)}}


def _flagged(flags: tuple[str, ...]) -> Json:
    """Without flags: with any."""
    return {"response_flag_filter": {"flags": list(flags)}}


def _log(fields: dict[str, str], wanted: Json) -> Json:
    made = extension(
        "access_loggers.stdout",
        "extensions.access_loggers.stream.v3.StdoutAccessLog",
        log_format={"json_format": fields},
    )
    return {"name": made["name"], "filter": wanted, "typed_config": made["typed_config"]}
