"""The verb `pack`: files for a store or a node of the operators' own."""

from __future__ import annotations

import hashlib
import io
import json
import os
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from outrider.cli.main import outrider
from outrider.cli.process_context import ProcessContext
from outrider.clients.agent_archive import agent_archive
from outrider.settings import Settings, Sourced

SHOP = Path(__file__).parents[3] / "examples" / "shop"
PLATFORM = """
environments:
  test:
    nomad: {address: "http://127.0.0.1:4646"}
    consul: {address: "http://127.0.0.1:8500"}
    driver: raw_exec
artifacts: {url: "https://store.example/outrider/"}
portal: {url: "https://outrider.example"}
"""


def call(*arguments: str) -> Result:
    settings = Settings(address=Sourced("http://127.0.0.1:9", "a test"))
    return CliRunner().invoke(outrider, list(arguments), obj=ProcessContext(settings), catch_exceptions=False)


def packed(*arguments: str) -> list[dict[str, str]]:
    result = call("pack", *arguments, "-o", "json")
    assert result.exit_code == 0, result.stderr
    return json.loads(result.stdout)["packed"]


def test_the_agent_is_written_under_its_checksum_and_runs(tmp_path: Path) -> None:
    (found,) = packed("--agent", "--to", str(tmp_path))
    content = Path(found["file"]).read_bytes()
    assert content == agent_archive()
    assert found["sha256"] == hashlib.sha256(content).hexdigest()
    assert Path(found["file"]) == tmp_path / found["sha256"] / "outrider-agent.pyz"
    ran = subprocess.run(
        [sys.executable, "-I", "-S", found["file"], "none"], capture_output=True, text=True, timeout=30, check=False
    )
    assert (ran.returncode, "usage:" in ran.stderr) == (64, True)


def test_a_directory_lies_where_the_job_of_a_platform_with_a_store_fetches_it(tmp_path: Path) -> None:
    (found,) = packed(str(SHOP / "inventory.yaml"), "--to", str(tmp_path / "store"))
    assert found["of"] == "inventory"
    platform = tmp_path / "platform.yaml"
    platform.write_text(PLATFORM)
    job = call("render", str(SHOP / "inventory.yaml"), "-e", "test", "--platform", str(platform)).stdout
    app = next(one for one in json.loads(job)["Job"]["TaskGroups"][0]["Tasks"] if one["Name"] == "app")
    (artifact,) = app["Artifacts"]
    path = Path(found["file"]).relative_to(tmp_path / "store")
    assert artifact["GetterSource"] == f"https://store.example/outrider/{path}"
    assert artifact["GetterOptions"] == {"checksum": f"sha256:{found['sha256']}"}
    assert "https://outrider.example" not in job
    with tarfile.open(fileobj=io.BytesIO(Path(found["file"]).read_bytes())) as archive:
        assert "inventory.py" in archive.getnames()


def test_a_platform_with_a_store_and_no_portal_renders_whole_jobs(tmp_path: Path) -> None:
    platform = tmp_path / "platform.yaml"
    platform.write_text(PLATFORM.replace('portal: {url: "https://outrider.example"}', ""))
    job = call("render", str(SHOP / "inventory.yaml"), "-e", "test", "--platform", str(platform)).stdout
    assert "https://store.example/outrider/" in job


def test_a_folder_of_specs_is_packed_with_each_directory_once_under_its_hash(tmp_path: Path) -> None:
    found = packed(str(SHOP), "--agent", "--to", str(tmp_path))
    assert {one["of"] for one in found} >= {"the agent", "cart", "storefront"}
    assert "sessions" not in {one["of"] for one in found}, "it runs a program of the node"
    assert len({one["sha256"] for one in found}) == len(list(tmp_path.iterdir())) == 2


def test_a_spec_is_packed_as_an_environment_has_it(tmp_path: Path) -> None:
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "app.py").write_text(name)
    spec = tmp_path / "outrider.yaml"
    spec.write_text("service: x\nrun: {command: [a], directory: one}\nenvironments: {stage: {run: {directory: two}}}\n")
    (base,) = packed(str(spec), "--to", str(tmp_path / "store"))
    (stage,) = packed(str(spec), "-e", "stage", "--to", str(tmp_path / "store"))
    assert base["sha256"] != stage["sha256"]


def test_people_read_a_table(tmp_path: Path) -> None:
    lines = call("pack", "--agent", "--to", str(tmp_path)).stdout.splitlines()
    assert lines[0].split() == ["OF", "SHA256", "FILE"]
    assert hashlib.sha256(agent_archive()).hexdigest() in lines[1]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [((), "name the FILES of services that run a directory, or say --agent"), (("SPEC",), "none of these specs has")],
)
def test_where_there_is_nothing_to_pack_that_is_said(tmp_path: Path, arguments: tuple[str, ...], said: str) -> None:
    spec = tmp_path / "outrider.yaml"
    spec.write_text("service: x\nrun: {command: [a]}\n")
    result = call("pack", *(str(spec) if one == "SPEC" else one for one in arguments), "--to", str(tmp_path / "store"))
    assert (result.exit_code, said in result.stderr) == (64, True)
    assert not (tmp_path / "store").exists()


def test_another_count_in_the_spec_beside_the_program_packs_and_renders_the_same(tmp_path: Path) -> None:
    platform = tmp_path / "platform.yaml"
    platform.write_text(PLATFORM)
    spec = tmp_path / "hello" / "hello.yaml"
    spec.parent.mkdir()
    (spec.parent / "app.py").write_text("pass\n")
    found: list[tuple[str, str]] = []
    for count in (1, 5):
        spec.write_text(f"service: hello\nrun: {{command: [python3, app.py], directory: .}}\ncount: {count}\n")
        (one,) = packed(str(spec), "--to", str(tmp_path / "store"))
        job = json.loads(call("render", str(spec), "-e", "test", "--platform", str(platform)).stdout)
        found.append((one["sha256"], job["Job"]["Meta"]["outrider_version"]))
    assert found[0] == found[1]


@pytest.mark.parametrize("folder", [".", "store", "stores/one"])
def test_packing_into_the_directory_itself_packs_the_same_again(tmp_path: Path, folder: str) -> None:
    (tmp_path / "hello.yaml").write_text("service: hello\nrun: {command: [python3, app.py], directory: .}\n")
    (tmp_path / "app.py").write_text("pass\n")
    (tmp_path / "stores").mkdir()
    line = (str(tmp_path / "hello.yaml"), "--to", str(tmp_path / folder))
    assert packed(*line) == packed(*line)


@pytest.mark.parametrize(("part", "code"), [("job", 1), ("envoy", 0), ("agent", 0)])
def test_a_directory_that_nodes_could_fetch_nowhere_is_rendered_in_no_job(tmp_path: Path, part: str, code: int) -> None:
    platform = tmp_path / "platform.yaml"
    platform.write_text(PLATFORM.partition("artifacts:")[0])
    settings = Settings(address=Sourced("http://127.0.0.1:9", "a test"))
    line = ["render", str(SHOP / "inventory.yaml"), "-e", "test", "--platform", str(platform), "--part", part]
    result = CliRunner().invoke(outrider, line, obj=ProcessContext(settings))
    assert bool(result.exit_code) == bool(code)
    assert ("neither portal.url nor artifacts.url" in result.stderr) == bool(code)


def test_what_is_packed_is_changed_by_nobody_else_whatever_the_umask(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        assert call("pack", "--agent", "--to", str(tmp_path / "store")).exit_code == 0
        assert os.umask(0) == 0
    finally:
        os.umask(before)
    made = [tmp_path / "store", *(tmp_path / "store").rglob("*")]
    assert len(made) == 3
    assert [one for one in made if one.stat().st_mode & 0o022] == []
    assert all(one.stat().st_mode & 0o044 == 0o044 for one in made)
