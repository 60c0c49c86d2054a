"""Every example in every environment, as whole documents: what Envoy and Nomad would get."""

from __future__ import annotations

import json
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from outrider.envoy.bootstrap import bootstrap
from outrider.envoy.document import sampled, template
from outrider.nomad.write.hcl import hcl
from outrider.nomad.write.job import job
from outrider.spec.reading.files import read_platform, read_service
from outrider.spec.run import CommandRun
from outrider.topology.resolve import topology
from outrider.topology.sidecar import Artifact, CarriedAgent
from outrider.topology.topology import Topology

ROOT = Path(__file__).parents[2]
EXAMPLES = ROOT / "examples"
GOLDENS = Path(__file__).parent / "goldens"
PLATFORMS = {"docker": "docker-bridge", "command": "raw-exec-host", "shop": "raw-exec-host"}
# What the store would know of the services that the examples call.
PROTOCOLS = {
    **dict.fromkeys(("cart", "catalog", "checkout", "feed", "inventory", "outbox", "payments"), "http"),
    **dict.fromkeys(("recommendations", "storefront"), "http"),
    "sessions": "redis",
}
# The agent itself would fill every golden, and change them all with each word of it.
AGENT = CarriedAgent(serve="c2VydmU=", gate="Z2F0ZQ==", sha256="a" * 64)
DIRECTORY = Artifact("https://outrider.example/artifacts/" + "d" * 64 + "/app.tar.gz", "d" * 64)


@dataclass(frozen=True)
class Example:
    file: Path
    environment: str

    @property
    def name(self) -> str:
        folder = self.file.parent.name
        return folder if self.file.stem == "outrider" else f"{folder}-{self.file.stem}"

    @property
    def folder(self) -> Path:
        return GOLDENS / self.name / self.environment

    def topology(self) -> Topology:
        file = EXAMPLES / "platforms" / f"{PLATFORMS.get(self.file.parent.name, PLATFORMS['docker'])}.yaml"
        platform = read_platform(file.read_text(), str(file))
        service = read_service(self.file.read_text(), str(self.file), self.environment).service
        packed = isinstance(service.run, CommandRun) and service.run.directory
        return topology(
            service,
            platform,
            self.environment,
            protocols=PROTOCOLS,
            directory=DIRECTORY if packed else None,
            agent=AGENT,
        )


FILES = sorted((*EXAMPLES.glob("*/outrider.yaml"), *EXAMPLES.glob("shop/*.yaml")))
CASES = [Example(file, environment) for file in FILES for environment in ("stage", "production")]
EVERY = pytest.mark.parametrize("example", [pytest.param(case, id=f"{case.name}-{case.environment}") for case in CASES])


def compare(path: Path, text: str, *, is_updating: bool) -> None:
    if is_updating:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    assert path.read_text() == text, f"{path} differs: `make golden` rewrites it, and its diff is the review"


def pretty(document: dict[str, Any]) -> str:
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


@EVERY
def test_the_bootstrap_is_the_one_that_was_reviewed(example: Example, is_updating: bool) -> None:
    made = example.topology()
    path = example.folder / "bootstrap.json"
    if made.sidecar:
        compare(path, pretty(sampled(bootstrap(made))), is_updating=is_updating)
    else:
        assert not path.exists()


@EVERY
def test_the_job_is_the_one_that_was_reviewed(example: Example, is_updating: bool) -> None:
    made = example.topology()
    text = template(bootstrap(made)) if made.sidecar else None
    compare(example.folder / "job.json", pretty(job(made, text)), is_updating=is_updating)


@EVERY
@pytest.mark.needs("envoy")
def test_envoy_accepts_the_bootstrap_without_a_warning(example: Example, envoy_bin: str) -> None:
    path = example.folder / "bootstrap.json"
    if not example.topology().sidecar:
        return
    said = subprocess.run(
        [envoy_bin, "--mode", "validate", "-c", str(path), "--log-level", "warning", "--use-dynamic-base-id"],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert said.returncode == 0, said.stderr[-2_000:]
    assert "OK" in said.stdout
    assert said.stderr == ""


def test_one_job_as_hcl_is_the_one_that_was_reviewed(is_updating: bool) -> None:
    example = next(case for case in CASES if case.name == "http-service" and case.environment == "production")
    made = example.topology()
    compare(example.folder / "job.nomad.hcl", hcl(job(made, template(bootstrap(made)))), is_updating=is_updating)


def test_no_golden_stands_without_its_example() -> None:
    known = {case.folder for case in CASES}
    assert {path.parent for path in GOLDENS.glob("*/*/*")} == known
