"""A real Nomad reads our HCL as the very job that its API would get."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from outrider.nomad.write.hcl import hcl

GOLDENS = sorted((Path(__file__).parent / "goldens").glob("*/*/job.json"))
NAMES = [f"{path.parents[1].name}-{path.parent.name}" for path in GOLDENS]
DOLLARS = {"args": ['$${attr.kernel.name} %%{if} \n \t " \\ é'], "command": "x"}


@pytest.fixture(scope="session")
def knows_identities(nomad_bin: str) -> bool:
    """Workload identities, and with them a task's consul block, came with Nomad 1.7."""
    said = subprocess.run([nomad_bin, "version"], capture_output=True, text=True, timeout=60, check=True).stdout
    major, minor = said.split()[1].removeprefix("v").split(".")[:2]
    return (int(major), int(minor)) >= (1, 7)


def missing(wanted: Any, found: Any, path: str = "") -> list[str]:
    """Places of the job that are not there; what Nomad fills in beside is its own business."""
    if isinstance(wanted, dict):
        inside = found if isinstance(found, dict) else {}
        return [place for key, value in wanted.items() for place in missing(value, inside.get(key), f"{path}.{key}")]
    if isinstance(wanted, list) and isinstance(found, list) and len(wanted) == len(found):
        pairs = enumerate(zip(wanted, found, strict=True))
        return [place for at, (one, other) in pairs for place in missing(one, other, f"{path}[{at}]")]
    return [] if wanted == found or (not wanted and found is None) else [f"{path}: {wanted!r} became {found!r}"]


@pytest.mark.needs("nomad")
@pytest.mark.parametrize("golden", GOLDENS, ids=NAMES)
def test_the_text_is_read_as_the_same_job(golden: Path, nomad_bin: str, knows_identities: bool, tmp_path: Path) -> None:
    job = json.loads(golden.read_text())
    for task in job["TaskGroups"][0]["Tasks"]:
        if not knows_identities:
            task.pop("Consul", None)
    job["TaskGroups"][0]["Tasks"][-1]["Config"] |= DOLLARS
    (tmp_path / "job.nomad.hcl").write_text(hcl(job))
    command = [nomad_bin, "job", "run", "-output", "job.nomad.hcl"]
    said = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False)
    assert said.returncode == 0, said.stderr
    assert missing(job, json.loads(said.stdout)["Job"]) == []
