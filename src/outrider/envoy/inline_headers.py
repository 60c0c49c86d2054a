"""Headers that Envoy keeps in places of their own, so that nothing looks for them by name."""

from __future__ import annotations

from outrider.envoy.extension import Json
from outrider.spec.platform import Propagation
from outrider.topology import names
from outrider.topology.sidecar import Sidecar

MESH = (names.DESTINATION_HEADER, names.CHECK_HEADER)
B3 = ("b3", "x-b3-traceid", "x-b3-spanid", "x-b3-parentspanid", "x-b3-sampled", "x-b3-flags")
TRACE: dict[Propagation, tuple[str, ...]] = {"b3": B3, "b3+w3c": (*B3, "traceparent", "tracestate")}


def inline_headers(sidecar: Sidecar) -> list[Json]:
    """Every header that a sidecar reads or writes and that Envoy has no place for by itself (Bootstrap.inline_headers).

    Envoy (1.40, header_map_impl.cc) makes an index of a request's other headers as soon as one of three and more is asked
    for by name, at each hop several times a request. One that comes several times is joined with commas.
    """
    asked = (*MESH, *(TRACE[sidecar.tracing.propagation] if sidecar.tracing else ()))
    return [*(_inline(name, "REQUEST_HEADER") for name in asked), _inline(names.UNSEEN_HEADER, "RESPONSE_HEADER")]


def _inline(name: str, kind: str) -> Json:
    return {"inline_header_name": name, "inline_header_type": kind}
