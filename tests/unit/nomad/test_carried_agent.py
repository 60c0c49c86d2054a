"""Where a job has the agent from: in itself, on the node, or in a store of the operators; never from a portal."""

from __future__ import annotations

import hashlib
import json
from base64 import b64decode
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from support.topologies import AGENT, resolved

from outrider.cli.main import outrider
from outrider.cli.process_context import ProcessContext
from outrider.clients.agent_archive import carried_agent
from outrider.nomad.write.job import job
from outrider.settings import Settings, Sourced
from outrider.spec.reading.files import read_platform, read_service
from outrider.spec.run import CommandRun
from outrider.topology.remarks import remarks
from outrider.topology.sidecar import Artifact

Json = dict[str, Any]
EXAMPLES = Path(__file__).parents[3] / "examples"
FILES = sorted((*EXAMPLES.glob("*/outrider.yaml"), *EXAMPLES.glob("shop/*.yaml")))
FILE = {"path": "/opt/outrider/outrider-agent.pyz"}
DOWNLOAD = {"artifact": "https://store.example/outrider-agent.pyz", "sha256": "b" * 64}
MOST_BYTES = 80_000
CALLEES = ("feed", "outbox")  # of the examples, beside the shop's


def tasks(agent: Json | None = None, **environment: Any) -> dict[str, Json]:
    sidecar = {"sidecar": {"agent": agent}} if agent else {}
    made = resolved({"upstreams": {"a": {}}}, sidecar | environment)
    return {one["Name"]: one for one in job(made, "{}")["TaskGroups"][0]["Tasks"]}


def carried(task: Json) -> list[str]:
    return [one["EmbeddedTmpl"] for one in task.get("Templates", ()) if one["DestPath"] == "local/outrider-agent.pyz"]


def test_a_job_carries_the_agent_in_the_two_tasks_that_run_it_and_in_no_other() -> None:
    found = tasks()
    assert carried(found["agent"]) == [f'{{{{ base64Decode "{AGENT.serve}" }}}}']
    assert carried(found["gate"]) == [f'{{{{ base64Decode "{AGENT.gate}" }}}}']
    assert not carried(found["envoy"]) + carried(found["app"])
    assert not [one for one in found.values() if "Artifacts" in one]
    template = found["agent"]["Templates"][0]
    assert (template["ChangeMode"], template["Perms"]) == ("noop", "0400")
    assert [found[name]["Config"]["args"][2] for name in ("agent", "gate")] == ["local/outrider-agent.pyz"] * 2


def test_containers_find_the_carried_agent_at_their_root() -> None:
    assert tasks(driver="docker")["agent"]["Config"]["args"] == ["-I", "-S", "/local/outrider-agent.pyz", "serve"]


@pytest.mark.parametrize(
    ("driver", "python"), [("raw_exec", {"path": "python3"}), ("docker", {"image": "registry.example/python"})]
)
def test_an_agent_on_the_node_or_in_the_image_is_named_and_not_carried(driver: str, python: Json) -> None:
    found = tasks({**python, "archive": FILE}, driver=driver)
    for name, verb in (("agent", "serve"), ("gate", "gate")):
        assert found[name]["Config"]["args"] == ["-I", "-S", FILE["path"], verb]
        assert not {"Artifacts", "Templates"} & set(found[name])


def test_an_agent_in_a_store_of_the_operators_is_fetched_with_its_checksum_and_not_carried() -> None:
    found = tasks({"path": "python3", "archive": DOWNLOAD})
    for name in ("agent", "gate"):
        (artifact,) = found[name]["Artifacts"]
        assert artifact["GetterSource"] == DOWNLOAD["artifact"]
        assert artifact["GetterOptions"] == {"checksum": f"sha256:{DOWNLOAD['sha256']}"}
        assert (artifact["GetterMode"], artifact["RelativeDest"]) == ("file", "local/outrider-agent.pyz")
        assert found[name]["Config"]["args"][2] == "local/outrider-agent.pyz"
        assert not carried(found[name])


def test_a_service_outside_the_mesh_carries_no_agent() -> None:
    made = resolved({"mesh": False})
    assert made.agent is None
    assert "base64Decode" not in json.dumps(job(made, None))


def test_the_agent_adds_less_than_eighty_kilobytes_to_a_job() -> None:
    agent = carried_agent()
    added = len(agent.serve) + len(agent.gate)
    assert added < MOST_BYTES
    assert len(agent.gate) * 2 < len(agent.serve), "the gate carries its own part only"
    assert b64decode(agent.serve, validate=True)[:2] == b64decode(agent.gate, validate=True)[:2] == b"PK"


def rendered(example: Path, platform: Path, environment: str, folder: Path) -> str:
    for name in CALLEES:
        (folder / f"{name}.yaml").write_text(f"service: {name}\nrun: {{image: {name}}}\n")
    settings = Settings(address=Sourced("http://127.0.0.1:9", "a test"))
    known = ("--with", str(EXAMPLES / "shop"), "--with", str(folder))
    arguments = ["render", str(example), "-e", environment, "--platform", str(platform), *known]
    result = CliRunner().invoke(outrider, arguments, obj=ProcessContext(settings), catch_exceptions=False)
    assert result.exit_code == 0, result.stderr
    return result.stdout


def platform_of(example: Path) -> Path:
    runs = read_service(example.read_text(), str(example)).service.run
    return EXAMPLES / "platforms" / f"{'raw-exec-host' if isinstance(runs, CommandRun) else 'docker-bridge'}.yaml"


@pytest.mark.parametrize("example", FILES, ids=lambda file: f"{file.parent.name}-{file.stem}")
@pytest.mark.parametrize("environment", ["stage", "production"])
def test_a_rendered_job_of_an_image_or_a_program_on_the_node_holds_no_address_of_a_portal(
    example: Path, environment: str, tmp_path: Path
) -> None:
    platform = platform_of(example)
    known = read_platform(platform.read_text(), str(platform)).portal
    runs = read_service(example.read_text(), str(example)).service.run
    is_packed = isinstance(runs, CommandRun) and runs.directory is not None
    text = rendered(example, platform, environment, tmp_path)
    assert known
    assert (known.url in text) == is_packed
    assert ("base64Decode" in text) == read_service(example.read_text(), str(example)).service.mesh


def directory(*, is_portals: bool) -> Artifact:
    return Artifact(
        "https://outrider.example/artifacts/x/directory.tar.gz", hashlib.sha256(b"").hexdigest(), is_portals
    )


def test_a_plan_says_that_a_directory_is_fetched_from_the_portal_and_how_to_change_that() -> None:
    made = resolved({})
    (line,) = remarks(replace(made, directory=directory(is_portals=True)))
    assert line.startswith("run.directory is fetched from the portal whenever an allocation is placed")
    assert "`artifacts.url`" in line
    assert remarks(replace(made, directory=directory(is_portals=False))) == ()
    assert remarks(made) == ()
