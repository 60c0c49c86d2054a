"""Any web page against the APIs of `outrider dev`: it may not run code, and curl may as before."""

from __future__ import annotations

import asyncio
import json
import shutil
from collections.abc import AsyncGenerator
from pathlib import Path

import httpx2
import pytest
from outrider_embedded.addresses import Cluster
from outrider_embedded.cluster import ClusterPorts, cluster
from outrider_ground.edge.limits import Limits
from outrider_ground.edge.serving import serving, shielded

JOB = {"Job": {"ID": "evil", "Name": "evil", "TaskGroups": [
    {"Name": "g", "Count": 0, "Tasks": [{"Name": "t", "Driver": "raw_exec", "Config": {"command": "/bin/true"}}]}
]}}  # fmt: skip
PAGE = [
    {"Origin": "https://evil.example", "Content-Type": "text/plain"},
    {"Origin": "null", "Content-Type": "text/plain;charset=UTF-8"},
    {"Origin": "https://evil.example", "Content-Type": "application/x-www-form-urlencoded"},
    {"Origin": "https://evil.example", "Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors"},
    {"Sec-Fetch-Site": "same-site", "Sec-Fetch-Mode": "cors", "Content-Type": "application/json"},
    {"Host": "evil.example:7071", "Content-Type": "application/json"},
    {"Host": "evil.example", "Origin": "http://evil.example", "Sec-Fetch-Site": "same-origin"},
    {"Content-Type": "text/plain"},
    {"Content-Type": "multipart/form-data; boundary=x"},
]


@pytest.fixture
async def running(tmp_path: Path) -> AsyncGenerator[Cluster]:
    async with cluster("dc1", tmp_path, ClusterPorts(of_allocations=(26900, 26950))) as made:
        yield made


@pytest.mark.parametrize("headers", PAGE)
async def test_any_web_page_registers_no_job(running: Cluster, headers: dict[str, str]) -> None:
    async with httpx2.AsyncClient(base_url=running.nomad_address) as client:
        for path in ("/v1/jobs", "/v1/job/evil"):
            answer = await client.post(path, content=json.dumps(JOB), headers=headers)
            assert answer.status_code in {403, 415, 421}, answer.text
            assert answer.text.strip()
        assert (await client.get("/v1/jobs")).json() == []


@pytest.mark.parametrize("headers", PAGE[:7])
@pytest.mark.parametrize("method", ["PUT", "OPTIONS", "GET", "DELETE"])
async def test_any_web_page_gets_nothing_from_the_registry(
    running: Cluster, method: str, headers: dict[str, str]
) -> None:
    async with httpx2.AsyncClient(base_url=running.consul_address) as client:
        answer = await client.request(method, "/v1/kv/x", content=b"1", headers=headers)
        assert answer.status_code in {403, 421}
        assert not [name for name in answer.headers if name.startswith("access-control")]
        assert (await client.get("/v1/kv/x")).status_code == 404


async def test_curl_is_welcome_as_before(running: Cluster, tmp_path: Path) -> None:
    (tmp_path / "job.json").write_text(json.dumps(JOB))
    nomad = running.nomad_address.replace("127.0.0.1", "localhost")
    assert "EvalID" in await curl("-d", f"@{tmp_path}/job.json", f"{nomad}/v1/jobs")
    assert "EvalID" in await curl("-X", "PUT", "--data-binary", f"@{tmp_path}/job.json", f"{nomad}/v1/jobs")
    assert await curl("-X", "PUT", "-d", "blue", f"{running.consul_address}/v1/kv/colour") == "true"
    assert await curl(f"{running.consul_address}/v1/kv/colour?raw") == "blue"
    assert "evil" in await curl("--http1.0", f"{nomad}/v1/jobs")


async def curl(*arguments: str) -> str:
    program = shutil.which("curl")
    assert program, "this test needs curl"
    process = await asyncio.create_subprocess_exec(
        program, "-sS", "--noproxy", "*", *arguments, stdout=asyncio.subprocess.PIPE
    )
    said, _ = await process.communicate()
    return said.decode()


async def test_bodies_of_the_one_machine_apis_are_bounded(tmp_path: Path) -> None:
    async def app(scope: object, receive: object, send: object) -> None:
        raise AssertionError

    limited = shielded(app, ["127.0.0.1"], Limits(body=1_000))
    async with serving(limited, "127.0.0.1", 0) as address, httpx2.AsyncClient() as client:
        assert (await client.put(f"{address}/v1/kv/x", content=b"x" * 1_001)).status_code == 413
