"""Every job that we render is one that Nomad takes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from outrider_harness.nomad_calls import NomadCalls

GOLDENS = sorted((Path(__file__).parents[2] / "features" / "goldens").glob("*/*/job.json"))
Json = dict[str, Any]
NAMES = [f"{path.parents[1].name}-{path.parent.name}" for path in GOLDENS]


@pytest.fixture(params=GOLDENS, ids=NAMES)
def job(request: pytest.FixtureRequest) -> Json:
    return json.loads(request.param.read_text()) | {"Namespace": "default"}


async def test_nomad_finds_nothing_wrong_with_a_job_of_ours(job: Json, calls: NomadCalls) -> None:
    """But for what this Nomad itself lacks: another namespace than its own, and a Vault."""
    answer = await calls.post("/v1/validate/job", {"Job": job})
    assert [line for line in answer["ValidationErrors"] or [] if not lacks_vault(line, job)] == []
    assert lacks_vault(answer["Error"], job) or answer["Error"] == ""


def lacks_vault(error: str, job: Json) -> bool:
    return '"Vault": {' in json.dumps(job) and "Vault" in error and "not enabled but used in the job" in error
