"""The verb `explain`: a spec in words, alone and beside its neighbours."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from outrider.cli.main import outrider
from outrider.cli.process_context import ProcessContext
from outrider.settings import Settings

SPEC = "service: {name}\nrun: {{command: [a]}}\nupstreams: {upstreams}\n"


def call(*arguments: str) -> Result:
    return CliRunner().invoke(outrider, ["explain", *arguments], obj=ProcessContext(Settings()), catch_exceptions=False)


def written(folder: Path, name: str, upstreams: str = "{}") -> str:
    file = folder / f"{name}.yaml"
    file.write_text(SPEC.format(name=name, upstreams=upstreams))
    return str(file)


def test_a_spec_alone_is_explained_and_what_is_assumed_is_said(tmp_path: Path) -> None:
    result = call(written(tmp_path, "a", "{b: {timeout: 1s}}"), "-e", "stage")
    assert result.exit_code == 0
    assert result.stdout.startswith("a in stage\n\nb  (http in Consul, assumed: name its spec with --with")
    assert "  timeout 1s, retries 1, limit 200\n  wait      At most 1s " in result.stdout
    assert result.stdout.endswith("name their specs, or their folder, with --with.\n")


def test_a_folder_of_neighbours_tells_protocols_and_contradictions(tmp_path: Path) -> None:
    file = written(tmp_path, "a", "{b: {timeout: 1s}}")
    written(tmp_path, "b", "{c: {}, d: {}}")
    (tmp_path / "platform.yaml").write_text("environments: {}\n")
    (tmp_path / "c").mkdir()
    (tmp_path / "c" / "outrider.yaml").write_text("service: c\nrun: {command: [c]}\nprotocol: redis\n")
    result = call(file, "-e", "stage", "--with", str(tmp_path))
    assert "b  (http in Consul)" in result.stdout
    assert "  ! a waits 1s for b, which may wait 5s for c: b works on" in result.stdout
    assert "--with" not in result.stdout


@pytest.mark.parametrize("shard", ["true", "false"])
def test_a_redis_that_shares_its_keys_out_is_known_by_its_file(tmp_path: Path, shard: str) -> None:
    file = written(tmp_path, "a", "{b: {}}")
    (tmp_path / "b.yaml").write_text(f"service: b\nrun: {{command: [b]}}\nprotocol: redis\nshard: {shard}\n")
    result = call(file, "-e", "stage", "--with", str(tmp_path / "b.yaml"))
    assert ("shares its keys out" in " ".join(result.stdout.split())) == (shard == "true")


def test_a_program_gets_the_numbers(tmp_path: Path) -> None:
    found = json.loads(call(written(tmp_path, "a", "{b: {timeout: 1s}}"), "-e", "stage", "-o", "json").stdout)
    assert (found["service"], found["environment"], found["count"], found["warnings"]) == ("a", "stage", None, [])
    (upstream,) = found["upstreams"]
    assert (upstream["worst_wait_ms"], upstream["worst_load"], upstream["is_assumed"]) == (1_000, 2, True)
    assert {saying["topic"] for saying in upstream["sayings"]} == {
        "wait",
        "tries",
        "retries",
        "load",
        "limit",
        "idle",
        "failure",
    }


def test_a_spec_that_cannot_be_used_is_told_with_its_line(tmp_path: Path) -> None:
    result = call(written(tmp_path, "a", "{b: {timout: 1s}}"), "-e", "stage")
    assert result.exit_code == 1
    assert "a.yaml:3:" in result.stderr


def test_lines_are_short_enough_to_read(tmp_path: Path) -> None:
    written(tmp_path, "b", "{c: {}}")
    result = call(written(tmp_path, "a", "{b: {timeout: 1s}}"), "-e", "stage", "--with", str(tmp_path))
    assert max(len(line) for line in result.stdout.splitlines()) <= 110
