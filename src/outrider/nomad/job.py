"""The job: what Nomad's API takes as ``Job``."""

from __future__ import annotations

from typing import Any

from outrider.nomad.group import group
from outrider.nomad.literal import DOLLAR, DOLLAR_META
from outrider.topology import names
from outrider.topology.sidecar import Topology

Json = dict[str, Any]


def job(topology: Topology, bootstrap: str | None) -> Json:
    """The whole job; ``bootstrap`` is the template text of Envoy's start file, None for a service outside the mesh.

    Raises ValueError where a service of the mesh comes without it. Job meta holds nothing that may change without a
    restart: Nomad restarts every allocation when it does.
    """
    made = group(topology, bootstrap)
    nomad = topology.platform.nomad
    meta = {names.JOB_META_VERSION: topology.version_hash, names.JOB_META_PROTOCOL: topology.protocol}
    return {
        "ID": topology.service,
        "Name": topology.service,
        "Type": "service",
        "Region": nomad.region,
        "Namespace": nomad.namespace,
        "Datacenters": list(nomad.datacenters),
        "Meta": meta | ({DOLLAR_META: "$"} if DOLLAR in repr(made) else {}),
        "TaskGroups": [made],
    }
