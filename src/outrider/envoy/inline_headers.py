"""Headers that Envoy keeps in places of their own, so that nothing looks for them by name."""

from __future__ import annotations

from outrider.documents import Json
from outrider.topology import names
from outrider.topology.sidecar import Sidecar

MESH = (names.DESTINATION_HEADER, names.CHECK_HEADER)


def inline_headers(sidecar: Sidecar) -> list[Json]:
    """Every header that a sidecar reads or writes and that Envoy has no place for by itself (Bootstrap.inline_headers).

    Envoy (1.40, header_map_impl.cc) makes an index of a request's other headers as soon as one of three and more is asked
    for by name, at each hop several times a request. One that comes several times is joined with commas.
    """
    asked = (*MESH, *(names.TRACE_HEADERS[sidecar.tracing.propagation] if sidecar.tracing else ()))
    return [*(_inline(name, "REQUEST_HEADER") for name in asked), _inline(names.UNSEEN_HEADER, "RESPONSE_HEADER")]


def _inline(name: str, kind: str) -> Json:
    return {"inline_header_name": name, "inline_header_type": kind}
