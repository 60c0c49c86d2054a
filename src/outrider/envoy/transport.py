"""Transport sockets: TLS towards services outside, verified like a browser would."""

from __future__ import annotations

from outrider.documents import Json
from outrider.envoy.extension import extension
from outrider.topology.ports import NodeFile
from outrider.topology.sidecar import Outside

ALPN = {"http": ["http/1.1"], "http2": ["h2"], "grpc": ["h2"]}
# A root whose key is gone: Envoy reads CA files while it validates, and the node's need not be on this machine.
SAMPLE_ROOT = """\
-----BEGIN CERTIFICATE-----
MIIBbzCCARWgAwIBAgIBATAKBggqhkjOPQQDAjAmMSQwIgYDVQQDDBtBIHNhbXBs
ZSB0aGF0IHNpZ25zIG5vdGhpbmcwIBcNMjAwMTAxMDAwMDAwWhgPMjEyMDAxMDEw
MDAwMDBaMCYxJDAiBgNVBAMMG0Egc2FtcGxlIHRoYXQgc2lnbnMgbm90aGluZzBZ
MBMGByqGSM49AgEGCCqGSM49AwEHA0IABIOFRxXwg0mKBdz0LUomzCITb/1DdxrL
aJU1qICxs+Im/t/0eSkGY7JiPphLIWb5UP/1sknfyuByIMuM0n3TXrajMjAwMA8G
A1UdEwEB/wQFMAMBAf8wHQYDVR0OBBYEFOrvq9Oey2vw+EgahrNTreFgfu1jMAoG
CCqGSM49BAMCA0gAMEUCIQD6EAdn3dX6Q34BrZHnLPRPyYPbdkobcx7bsYgTQtTx
zwIgUIksvNCwq3SWsJWvREjKXtH7uSjL4epwv8JSseinnNM=
-----END CERTIFICATE-----
"""


def tls(to: Outside, protocol: str | None = None) -> Json:
    """What speaks TLS, where the service does: its name is the SNI, and what the certificate must bear."""
    return {"transport_socket": _tls(to.name, to.ca_roots, protocol)} if to.ca_roots else {}


def _tls(host: str, ca_roots: str, protocol: str | None) -> Json:
    """``ca_roots`` is a file of the node. An address is no SNI (RFC 6066, 3)."""
    alpn = {"alpn_protocols": ALPN[protocol]} if protocol in ALPN else {}
    verified = {
        "trusted_ca": NodeFile(ca_roots, SAMPLE_ROOT),
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
    """No name ends in a number (spec/address.py)."""
    return ":" in host or host.rpartition(".")[2].isdigit()
