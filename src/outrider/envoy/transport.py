"""Transport sockets: TLS towards services outside, verified like a browser would."""

from __future__ import annotations

from outrider.envoy.extension import Json, extension

# The place of Debian, Ubuntu, Alpine and Envoy's own images; it is read where Envoy runs.
SYSTEM_ROOTS = "/etc/ssl/certs/ca-certificates.crt"
ALPN = {"http": ["http/1.1"], "http2": ["h2"], "grpc": ["h2"]}


def tls(host: str, protocol: str | None = None) -> Json:
    """TLS with the host as SNI and as the name that the certificate must bear."""
    alpn = {"alpn_protocols": ALPN[protocol]} if protocol in ALPN else {}
    verified = {
        "trusted_ca": {"filename": SYSTEM_ROOTS},
        "match_typed_subject_alt_names": [{"san_type": _name_kind(host), "matcher": {"exact": host}}],
    }
    return extension(
        "transport_sockets.tls",
        "extensions.transport_sockets.tls.v3.UpstreamTlsContext",
        common_tls_context={"validation_context": verified, **alpn},
        **({} if _is_address(host) else {"sni": host}),
    )


def _name_kind(host: str) -> str:
    return "IP_ADDRESS" if _is_address(host) else "DNS"


def _is_address(host: str) -> bool:
    return ":" in host or host.replace(".", "").isdigit()
