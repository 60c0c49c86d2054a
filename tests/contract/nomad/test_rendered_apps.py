"""What the app of a rendered job finds, on the embedded Nomad and on a real one: names with dots, and scripts beside it."""

from __future__ import annotations

import json

import httpx2
import pytest
from outrider_harness.nomad_calls import NomadCalls
from outrider_harness.nomads import Servers
from support.topologies import resolved

from outrider.nomad.write.hcl import hcl
from outrider.nomad.write.job import job as job_of

APP = """
import json, os, sys, time
print(json.dumps({"here": os.getcwd(), "environment": dict(os.environ)}), flush=True)
time.sleep(600)
"""
DOTTED = {"discovery.type": "single-node", "a.b": "x ${y} {{z}}", "A_B": "plain"}


@pytest.fixture
def name(request: pytest.FixtureRequest) -> str:
    return f"rendered-{'real' if 'real' in request.node.name else 'embedded'}"


async def test_names_with_dots_reach_the_app_as_text_and_through_an_environment_file(
    calls: NomadCalls, name: str
) -> None:
    python = ["/usr/bin/env", "python3", "-c", APP]
    spec = {"service": name, "mesh": False, "port": "none", "run": {"command": python}, "env": DOTTED}
    await calls.healthy(job_of(resolved({**spec, "update": {"min_healthy_time": "0s"}}), None))
    allocation = await calls.allocation(name)
    seen = json.loads(await calls.written(allocation["ID"], "alloc/logs/app.stdout.0"))
    assert {key: seen["environment"].get(key) for key in DOTTED} == DOTTED
    assert seen["here"].endswith("/app/local")


async def test_a_script_finds_the_files_that_the_app_finds(calls: NomadCalls, name: str) -> None:
    service = f"{name}-script"
    check = {"script": ["/bin/sh", "./check.sh", "a b"], "interval": "1s", "name": "beside the app"}
    made = resolved(
        {
            "service": service,
            "mesh": False,
            "run": {"command": ["/bin/sleep", "600"]},
            "files": [{"path": "check.sh", "template": 'echo "found: $1"'}],
            "checks": [check],
            "update": {"min_healthy_time": "0s", "healthy_deadline": "30s"},
        }
    )
    await calls.healthy(job_of(made, None))
    (instance,) = await calls.until_services(service, lambda found: any(one["Output"] for one in found[0]["Checks"]))
    (found,) = [one for one in instance["Checks"] if one["Name"] == "beside the app"]
    assert (found["Output"], found["Status"]) == ("found: a b\n", "passing")


@pytest.mark.needs("nomad", "consul")
def test_names_with_dots_are_read_from_hcl(real_nomad: Servers) -> None:
    document = job_of(resolved({"mesh": False, "port": "none", "env": DOTTED}), None)
    asked = {"JobHCL": hcl(document), "Canonicalize": False}
    answer = httpx2.post(f"{real_nomad.nomad}/v1/jobs/parse", json=asked, timeout=60)
    (group,) = answer.raise_for_status().json()["TaskGroups"]
    assert group["Tasks"][0]["Env"]["discovery.type"] == "single-node"
