"""What it costs that a job carries the agent: bytes of each job, and with NOMAD_BIN what a real Nomad keeps for 500 of them.

The jobs are those of services with five upstreams, with a count of 0. Beside them, on a Nomad of their own, are the same jobs
with ``sidecar.agent.archive`` on the node. What each allocation adds is measured with tasks that sleep.
"""

from __future__ import annotations

import json
import os
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx2
from outrider_harness.consuls import consul_binary
from outrider_harness.nomad_calls import job as small_job
from outrider_harness.nomad_calls import script
from outrider_harness.nomads import nomad_server
from outrider_harness.waiting import eventually
from report import Figure, report

from outrider.clients.agent_archive import carried_agent
from outrider.documents import Json
from outrider.envoy.bootstrap import bootstrap
from outrider.envoy.document import template
from outrider.nomad.write.access import of_everybody
from outrider.nomad.write.job import job
from outrider.nomad.write.template import bytes_of
from outrider.nomad.write.template import template as template_block
from outrider.spec.platform import Platform
from outrider.spec.service import Service
from outrider.topology.resolve import topology

SERVICES = 500
VERSIONS = 6  # as many as Nomad keeps of a job (job_tracked_versions)
PLANS = 60
ALLOCATIONS = 20
LIMIT_KB = 80
MB = 1 << 20
PROTOCOLS = {"catalog": "http", "payments": "http", "recommender": "grpc", "sessions": "redis", "ledger": "tcp"}
NODE_FILE = {"archive": {"path": "/opt/outrider/outrider-agent.pyz"}}


def made(name: str, version: int, *, is_carried: bool) -> Json:
    """A job, as Nomad takes it."""
    servers = {"nomad": {"address": "http://127.0.0.1:4646"}, "consul": {"address": "http://127.0.0.1:8500"}}
    agent = {"path": "python3", **({} if is_carried else NODE_FILE)}
    platform = {"environments": {"test": {**servers, "driver": "raw_exec", "sidecar": {"agent": agent}}}}
    upstreams: Json = {name: {} for name in PROTOCOLS}
    spec = {
        "service": name,
        "run": {"command": ["app"]},
        "upstreams": upstreams,
        "count": 0,
        "env": {"V": str(version)},
    }
    resolved = topology(
        Service.model_validate(spec), Platform.model_validate(platform), "test", protocols=PROTOCOLS, agent=AGENT
    )
    return job(resolved, template(bootstrap(resolved)))


AGENT = carried_agent()


@dataclass(frozen=True)
class Kept:
    """What one Nomad server keeps, and how it plans; MB and ms."""

    memory: float
    disk: float
    snapshot: float
    plan_p50: float
    plan_p95: float


def kept(binary: str, consul: str, *, is_carried: bool) -> Iterator[Kept]:
    """With nothing, with every service in one version, and with as many versions as Nomad keeps."""
    directory = Path(tempfile.mkdtemp(prefix="outrider-job-size-"))
    try:
        with (
            nomad_server(binary, consul, directory) as servers,
            httpx2.Client(base_url=servers.nomad, timeout=60) as nomad,
        ):
            yield looked(nomad, directory, is_carried=is_carried)
            register(nomad, 0, is_carried=is_carried)
            yield looked(nomad, directory, is_carried=is_carried)
            for version in range(1, VERSIONS):
                register(nomad, version, is_carried=is_carried)
            yield looked(nomad, directory, is_carried=is_carried)
    finally:
        shutil.rmtree(directory, ignore_errors=True)


def register(nomad: httpx2.Client, version: int, *, is_carried: bool) -> None:
    for number in range(SERVICES):
        document = made(f"service-{number}", version, is_carried=is_carried)
        nomad.post("/v1/jobs", json={"Job": document}).raise_for_status()


def looked(nomad: httpx2.Client, directory: Path, *, is_carried: bool) -> Kept:
    nomad.put("/v1/system/gc").raise_for_status()
    time.sleep(5)
    plans = sorted(planned(nomad, number, is_carried=is_carried) for number in range(PLANS))
    return Kept(
        memory=memory(directory),
        disk=sum(file.stat().st_size for file in (directory / "nomad" / "server").rglob("*") if file.is_file()) / MB,
        snapshot=len(nomad.get("/v1/operator/snapshot").raise_for_status().content) / MB,
        plan_p50=statistics.median(plans),
        plan_p95=plans[int(len(plans) * 0.95)],
    )


def planned(nomad: httpx2.Client, number: int, *, is_carried: bool) -> float:
    """Milliseconds for a dry run of a new version, as ``outrider plan`` asks for it."""
    document = made(f"service-{number}", VERSIONS, is_carried=is_carried)
    body = json.dumps({"Job": document, "Diff": True})
    begin = time.perf_counter()
    nomad.post(f"/v1/job/service-{number}/plan", content=body).raise_for_status()
    return (time.perf_counter() - begin) * 1_000


def per_allocation(binary: str, consul: str) -> Iterator[Figure]:
    """What an allocation adds to a snapshot, which holds its job with it; the job's new version is in it, too."""
    directory = Path(tempfile.mkdtemp(prefix="outrider-job-size-"))
    parts = {"local/agent": AGENT.serve, "local/gate": AGENT.gate}
    carried = [template_block(path, bytes_of(part), of_everybody()) for path, part in parts.items()]
    try:
        with (
            nomad_server(binary, consul, directory) as servers,
            httpx2.Client(base_url=servers.nomad, timeout=60) as nomad,
        ):
            for name, templates in (("agent in the job", carried), ("agent on the node", [])):
                before = grown(nomad, name.replace(" ", "-"), templates, 0)
                after = grown(nomad, name.replace(" ", "-"), templates, ALLOCATIONS)
                yield Figure(
                    f"an allocation adds to a snapshot, {name}", (after - before) / ALLOCATIONS / 1_000, None, "kB"
                )
    finally:
        shutil.rmtree(directory, ignore_errors=True)


def grown(nomad: httpx2.Client, name: str, templates: list[Json], count: int) -> int:
    """Bytes of a snapshot once so many allocations of the job run."""
    sleeping = script("app", "sleep 1000", Resources={"CPU": 20, "MemoryMB": 10}, Templates=templates)
    document = small_job(name, sleeping, Count=count, Update=None)
    nomad.post("/v1/jobs", json={"Job": document}).raise_for_status()
    eventually(lambda: running(nomad, name) == count, patience=120, pause=0.3)
    return len(nomad.get("/v1/operator/snapshot").raise_for_status().content)


def running(nomad: httpx2.Client, name: str) -> int:
    found = nomad.get(f"/v1/job/{name}/allocations").raise_for_status().json()
    return sum(one["ClientStatus"] == "running" for one in found)


def memory(directory: Path) -> float:
    """Private memory of the server whose configuration lies there."""
    mark = str(directory / "nomad.hcl").encode()
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and mark in (entry / "cmdline").read_bytes():
            lines = [line.split() for line in (entry / "smaps_rollup").read_text().splitlines()[1:]]
            known = {line[0].rstrip(":"): int(line[1]) / 1024 for line in lines}
            return known["Private_Dirty"] + known["Private_Clean"]
    raise LookupError("the server that was started does not run")


def sizes() -> list[Figure]:
    """Bytes of one job."""
    whole, bare = (
        len(json.dumps(made("checkout", 0, is_carried=is_carried), separators=(",", ":")))
        for is_carried in (True, False)
    )
    return [
        Figure("the agent adds to a job", (whole - bare) / 1_000, LIMIT_KB, "kB"),
        Figure("of which for the agent's task", len(AGENT.serve) / 1_000, None, "kB"),
        Figure("of which for the gate's task", len(AGENT.gate) / 1_000, None, "kB"),
        Figure("the job without it", bare / 1_000, None, "kB"),
    ]


def compared(binary: str, consul: str) -> Iterator[Figure]:
    """What a Nomad keeps with the agent in each job, beside one without."""
    yield from per_allocation(binary, consul)
    carried, apart = (list(kept(binary, consul, is_carried=is_carried)) for is_carried in (True, False))
    stages = ("no service", f"{SERVICES} services", f"the same in {VERSIONS} versions")
    for stage, one, other in zip(stages, carried, apart, strict=True):
        for name, word, unit in (
            ("memory", "private memory of the server", "MB"),
            ("disk", "its raft directory", "MB"),
        ):
            yield Figure(f"{stage}: {word}", getattr(one, name), None, unit)
            yield Figure(f"{stage}: {word}, agent on the node", getattr(other, name), None, unit)
        yield Figure(f"{stage}: a snapshot", one.snapshot, None, "MB")
        yield Figure(f"{stage}: a snapshot, agent on the node", other.snapshot, None, "MB")
        yield Figure(f"{stage}: Nomad's plan of one, p50", one.plan_p50, None, "ms")
        yield Figure(f"{stage}: Nomad's plan of one, p95", one.plan_p95, None, "ms")
        yield Figure(f"{stage}: Nomad's plan of one, p95, agent on the node", other.plan_p95, None, "ms")


def main() -> int:
    nomad, consul = os.environ.get("NOMAD_BIN") or shutil.which("nomad"), consul_binary()
    figures = sizes()
    if not nomad or not consul:
        return report(
            "job_size", figures, ("no real Nomad and Consul: set NOMAD_BIN and CONSUL_BIN to measure what it keeps",)
        )
    return report("job_size", [*figures, *compared(nomad, consul)], (f"{nomad}, count 0, five upstreams each",))


if __name__ == "__main__":
    sys.exit(main())
