"""Recorded calls that the embedded servers do not answer alike, each with its reason; the list is to shrink."""

CONSUL: dict[str, str] = {
    "63-connect-roots": "there is no Connect CA on one machine; certificates come with mutual TLS between sidecars",
}

NOMAD: dict[str, str] = {}
