"""The access log: failures only, as JSON lines on stdout, where Nomad keeps them."""

from __future__ import annotations

from outrider.envoy.extension import Json, extension

SERVER_ERROR = 500
# Flags that tell of a failure even behind a good status (a stream that broke off). A caller that hangs up (DC) is none.
FLAGS = ("UC", "UR", "UT", "SI", "OM", "DPE", "UPE", "URX", "NR", "LR")
TCP_FLAGS = ("UF", "UH", "UO", "UC", "UR", "URX")

# The path without its query, which may hold what must not be logged.
FIELDS = {
    "time": "%START_TIME%",
    "method": "%REQ(:METHOD)%",
    "path": "%PATH(NQ:PATH)%",
    "status": "%RESPONSE_CODE%",
    "flags": "%RESPONSE_FLAGS%",
    "details": "%RESPONSE_CODE_DETAILS%",
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


def failures(listener: str) -> list[Json]:
    """Requests that ended with 5xx or broke off."""
    status = {"status_code_filter": {"comparison": {"op": "GE", "value": _logged_from()}}}
    return [_log({"listener": listener} | FIELDS, {"or_filter": {"filters": [status, _flagged(FLAGS)]}})]


def tcp_failures(listener: str) -> list[Json]:
    """Connections that found no endpoint or broke off."""
    return [_log({"listener": listener} | TCP_FIELDS, _flagged(TCP_FLAGS))]


def _logged_from() -> Json:
    return {"default_value": SERVER_ERROR, "runtime_key": "outrider.log_status_from"}


def _flagged(flags: tuple[str, ...]) -> Json:
    return {"response_flag_filter": {"flags": list(flags)}}


def _log(fields: dict[str, str], wanted: Json) -> Json:
    made = extension(
        "access_loggers.stdout",
        "extensions.access_loggers.stream.v3.StdoutAccessLog",
        log_format={"json_format": fields},
    )
    return {"name": made["name"], "filter": wanted, "typed_config": made["typed_config"]}
