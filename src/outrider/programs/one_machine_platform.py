"""The platform that stands in for a platform file on one machine: stage and production, raw_exec, the host's network."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass

from outrider.spec.platform import Environment, Platform

ENVIRONMENTS = ("stage", "production")
SAMPLE_PORTAL = "http://127.0.0.1:7070"


@dataclass(frozen=True, slots=True)
class Addresses:
    """Where the two servers of one environment answer, and where its host volumes lie."""

    nomad: str
    consul: str
    volumes: str = "/srv/volumes"


def one_machine(servers: Mapping[str, Addresses], *, portal: str, envoy: str) -> Platform:
    """The platform of these servers; `envoy` is the path of the binary that sidecars run."""
    environments = {name: _environment(addresses, envoy) for name, addresses in servers.items()}
    return Platform.model_validate({"environments": environments, "portal": {"url": portal}})


def sample_platform(envoy: str = "envoy") -> Platform:
    """The same platform without running servers, for commands that only render."""
    servers = {name: Addresses("http://127.0.0.1:4646", "http://127.0.0.1:8500") for name in ENVIRONMENTS}
    return one_machine(servers, portal=SAMPLE_PORTAL, envoy=envoy)


def _environment(addresses: Addresses, envoy: str) -> Environment:
    return Environment.model_validate(
        {
            "nomad": {"address": addresses.nomad},
            "consul": {"address": addresses.consul, "agent_address": addresses.consul},
            "driver": "raw_exec",
            "network": {"mode": "host"},
            "volumes": {"directory": addresses.volumes},
            "sidecar": {"envoy": {"path": envoy}, "agent": {"path": sys.executable}},
        }
    )
