"""Requests that leave the mesh: as the app wrote them, without a header that this Envoy adds.

Envoy (1.40) writes some headers before its filters run and others once a host is chosen, for each try anew. So what the app
sent is kept beside the request, and put back by filters of the cluster, which run last of all.
"""

from __future__ import annotations

from outrider.documents import Json
from outrider.envoy.extension import extension
from outrider.topology import names
from outrider.topology.sidecar import Tracing

# Written by the connection manager itself, before any filter of the listener can see what was there.
EARLY = ("x-request-id", "x-forwarded-proto")
SENT = "x-outrider-sent-"
MESH_PREFIX = "x-outrider-"


def _restored(to: Tracing | None) -> tuple[str, ...]:
    return (*EARLY, *(names.TRACE_HEADERS[to.propagation] if to else ()))


def sent_early() -> Json:
    """An early mutation: what the app sent of the headers that the connection manager is about to write."""
    mutations = [step for name in EARLY for step in _replaced(SENT + name, f"%REQ({name})%")]
    kind = "extensions.http.early_header_mutation.header_mutation.v3.HeaderMutation"
    return extension("http.early_header_mutation.header_mutation", kind, mutations=mutations)


def sent(to: Tracing | None) -> Json:
    """A filter of the listener: keeps beside the request what the app sent, for every try."""
    kind = "extensions.filters.http.set_filter_state.v3.Config"
    values = [_kept(name, SENT + name if name in EARLY else name) for name in _restored(to)]
    return extension("filters.http.set_filter_state", kind, on_request_headers=values)


def _kept(name: str, source: str) -> Json:
    return {
        "object_key": SENT + name,
        "factory_key": "envoy.string",
        "format_string": {"text_format_source": {"inline_string": f"%REQ({source})%"}, "omit_empty_values": True},
        "skip_if_empty": True,
    }


def as_sent(to: Tracing | None) -> list[Json]:
    """The filters of the cluster: each header as the app sent it, or not at all, and none of the mesh."""
    back = [step for name in _restored(to) for step in _replaced(name, f"%FILTER_STATE({SENT}{name}:PLAIN)%")]
    unmeshed = {"remove_on_match": {"key_matcher": {"prefix": MESH_PREFIX}}}
    mutated = extension(
        "filters.http.header_mutation",
        "extensions.filters.http.header_mutation.v3.HeaderMutation",
        mutations={"request_mutations": [*back, unmeshed]},
    )
    return [
        mutated,
        extension("filters.http.upstream_codec", "extensions.filters.http.upstream_codec.v3.UpstreamCodec"),
    ]


def _replaced(name: str, value: str) -> tuple[Json, Json]:
    """The header with that value alone; without it where the value is empty."""
    return {"remove": name}, {"append": {"header": {"key": name, "value": value}}}


def names_as_written() -> Json:
    """HTTP/1 options for both sides: names of headers keep their capitals, by which some old servers know them."""
    formatter = extension(
        "http.stateful_header_formatters.preserve_case",
        "extensions.http.header_formatters.preserve_case.v3.PreserveCaseFormatterConfig",
    )
    return {"header_key_format": {"stateful_formatter": formatter}}
