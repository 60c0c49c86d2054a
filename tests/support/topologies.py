"""Topologies of small specs, for tests of what is built from them."""

from __future__ import annotations

from typing import Any

from outrider.envoy.bootstrap import bootstrap
from outrider.envoy.document import template
from outrider.nomad.read.job import parts_in
from outrider.nomad.write.job import job
from outrider.spec.platform import Platform
from outrider.spec.service import Service
from outrider.topology.parts import Parts
from outrider.topology.resolve import topology
from outrider.topology.sidecar import CarriedAgent
from outrider.topology.topology import Topology

Json = dict[str, Any]
AGENT = CarriedAgent(serve="c2VydmU=", gate="Z2F0ZQ==", sha256="a" * 64)
COMMAND: Json = {"run": {"command": ["app"]}}
IMAGE: Json = {"run": {"image": "registry.example/app:1"}}
BRIDGE: Json = {"driver": "docker"}


def platform(**environment: Any) -> Platform:
    """A platform with the one environment ``test``: raw_exec on the host's network unless told otherwise."""
    servers = {"nomad": {"address": "http://127.0.0.1:4646"}, "consul": {"address": "http://127.0.0.1:8500"}}
    return Platform.model_validate({"environments": {"test": {**servers, "driver": "raw_exec", **environment}}})


def service(**spec: Any) -> Service:
    return Service.model_validate({"service": "checkout", **COMMAND, **spec})


def resolved(spec: Json, environment: Json | None = None, **known: str) -> Topology:
    """The spec's topology; upstreams that ``known`` does not name speak http."""
    where = environment or {}
    made = service(**(IMAGE if where.get("driver") == "docker" else {}), **spec)
    protocols = {
        name: "http" for name, written in made.upstreams.items() if not written.protocol and not written.address
    }
    return topology(made, platform(**where), "test", protocols=protocols | known, agent=AGENT)


def made_job(spec: Json, environment: Json | None = None, **known: str) -> Json:
    """The spec's whole job."""
    made = resolved(spec, environment, **known)
    return job(made, template(bootstrap(made)) if made.sidecar else None)


def made_parts(spec: Json, environment: Json | None = None, **known: str) -> Parts:
    """The hashes of both parts, as the job's meta names them."""
    found = parts_in(made_job(spec, environment, **known))
    assert found is not None
    return found
