"""Recorded calls that the embedded servers do not answer alike, each with its reason; the list is to shrink."""

CONSUL: dict[str, str] = {
    "63-connect-roots": "there is no Connect CA on one machine; certificates come with mutual TLS between sidecars",
}

NOMAD: dict[str, dict[str, str]] = {
    "nomad-2.0.5": {
        "20-evaluation": "no evaluation is seen pending: each is worked off before the next call can ask",
        "31-client-stats": "recorded before the client had measured; here tasks are measured when one asks",
        "71-parse-hcl": "jobs come as JSON; HCL is for Nomad's own tools",
        "72-parse-hcl-bad": "jobs come as JSON; HCL is for Nomad's own tools",
    },
    "nomad-1.6.5": {
        "20-evaluation": "no evaluation is seen pending: each is worked off before the next call can ask",
        "30-job-statuses": "the call came with later versions, which are imitated",
        "71-parse-hcl": "jobs come as JSON; HCL is for Nomad's own tools",
        "72-parse-hcl-bad": "jobs come as JSON; HCL is for Nomad's own tools",
    },
}
