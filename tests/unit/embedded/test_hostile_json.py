"""JSON from anybody, at the APIs of one machine: whatever is wrong with it is the sender's error, and no defect."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator
from pathlib import Path

import httpx2
import pytest
from outrider_embedded.addresses import Cluster
from outrider_embedded.cluster import ClusterPorts, cluster
from outrider_embedded.json_text import MOST_DEPTH, DepthError, first_value

HOSTILE = [
    *("[" * 100_000, '{"a":' * 100_000, '{"Job": ' + "[" * 400 + "]" * 400 + "}"),
    *('{"Port": ' + "9" * 5_000 + "}", '{"Port": 9223372036854775808}', '{"Port": -9999999999999999999999}'),
    *('{"Port": NaN}', '{"Port": Infinity}', '{"Port": -Infinity}', '{"Port": 1e999}'),
    *("\x00", "{", '{"Port": 1', "\ufeff{}", '{"Name": "\x01"}'),
]


@pytest.fixture
async def running(tmp_path: Path) -> AsyncGenerator[Cluster]:
    async with cluster("dc1", tmp_path, ClusterPorts(of_allocations=(26950, 26990))) as made:
        yield made


async def test_deep_huge_and_endless_values_are_the_senders_error_at_both_apis(running: Cluster) -> None:
    async with httpx2.AsyncClient() as client:
        for text in HOSTILE:
            job = await client.post(f"{running.nomad_address}/v1/jobs", content=text)
            service = await client.put(f"{running.consul_address}/v1/agent/service/register", content=text)
            assert (job.status_code, service.status_code) == (400, 400), text[:60]
            assert "Traceback" not in job.text + service.text


async def test_half_a_sign_in_a_name_is_registered_as_a_replacement_and_can_be_read_again(running: Cluster) -> None:
    job = {"ID": "half", "Type": "service", "Datacenters": ["dc1"], "Meta": {"half": "HALF"}, "TaskGroups": [
        {"Name": "g", "Count": 0, "Tasks": [{"Name": "t", "Driver": "raw_exec", "Config": {"command": "/bin/true"}}]}
    ]}  # fmt: skip
    text = json.dumps({"Job": job}).replace("HALF", "\\ud800\\ud83d\\ude00")
    async with httpx2.AsyncClient() as client:
        assert (await client.post(f"{running.nomad_address}/v1/jobs", content=text)).status_code == 200
        found = (await client.get(f"{running.nomad_address}/v1/job/half")).json()
        assert found["Meta"] == {"half": "\N{REPLACEMENT CHARACTER}\N{GRINNING FACE}"}
        service = '{"Name": "half", "Meta": {"half": "\\udc00"}}'
        at = f"{running.consul_address}/v1/agent/service"
        assert (await client.put(f"{at}/register", content=service)).status_code == 200
        assert (await client.get(f"{at}/half")).json()["Meta"] == {"half": "\N{REPLACEMENT CHARACTER}"}


@pytest.mark.parametrize(
    ("text", "value"),
    [
        (r'"\ud800"', "\ufffd"),
        (r'"\uDBFFx"', "\ufffdx"),
        (r'"\ud83d\ude00"', "\U0001f600"),
        (r'"\\ud800"', "\\ud800"),
        (r'"\\\ud800"', "\\\ufffd"),
        (r'"\ud800\ud83d\ude00"', "\ufffd\U0001f600"),
        ("9223372036854775807", 2**63 - 1),
        ("-9223372036854775808", -(2**63)),
        ("[" * (MOST_DEPTH - 1) + "]" * (MOST_DEPTH - 1), None),
    ],
)
def test_signs_numbers_and_depth_are_read_up_to_their_bounds(text: str, value: object) -> None:
    found, end = first_value(text)
    assert value is None or found == value
    assert end


def test_one_level_too_deep_is_told() -> None:
    with pytest.raises(DepthError):
        first_value("[" * (MOST_DEPTH + 1) + "]" * (MOST_DEPTH + 1))


@pytest.mark.parametrize("count", [50_001, 2**62])
async def test_a_job_of_more_allocations_than_nomad_allows_is_refused_and_fills_no_memory(
    running: Cluster, count: int
) -> None:
    task = {"Name": "t", "Driver": "raw_exec", "Config": {"command": "/bin/true"}}
    groups = [{"Name": name, "Count": wanted, "Tasks": [task]} for name, wanted in (("a", 1), ("b", count - 1))]
    body = {"Job": {"ID": "many", "Datacenters": ["elsewhere"], "TaskGroups": groups}}
    complaint = f"total count was greater than configured job_max_count: {count} > 50000"
    async with httpx2.AsyncClient(base_url=running.nomad_address, timeout=60) as client:
        for path in ("/v1/jobs", "/v1/job/many/plan", "/v1/validate/job"):
            assert complaint in (await client.post(path, json=body)).text
        groups[1]["Count"] = 0
        assert (await client.post("/v1/jobs", json=body)).status_code == 200
        scaled = await client.post("/v1/job/many/scale", json={"Count": count, "Target": {"Group": "a"}})
        assert (scaled.status_code, scaled.text) == (500, complaint)
