"""The verb `doctor`: findings with signs, settings with their origin, and its exit codes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import httpx2
import pytest
from click.testing import CliRunner, Result
from fakes.recordings import Library

from outrider.cli.main import outrider
from outrider.cli.process_context import ProcessContext
from outrider.server_settings import NomadSettings
from outrider.settings import Settings, Sourced

PLATFORM = """
environments:
  stage:
    nomad: {{address: "http://nomad"}}
    consul: {{address: "http://consul"}}
    driver: {driver}
    network: {{mode: host}}
portal: {{url: "http://127.0.0.1:7070"}}
"""


def call(file: Path | None, *arguments: str, **settings: Any) -> Result:
    libraries = {"nomad": Library("nomad-2.0.5"), "consul": Library("consul-1.8.7")}
    libraries["127.0.0.1"] = libraries["consul"]
    transport = httpx2.MockTransport(lambda request: libraries[request.url.host](request))
    line = ["doctor", *(["--platform", str(file)] if file else []), *arguments]
    return CliRunner().invoke(
        outrider, line, obj=ProcessContext(Settings(**settings), transport), catch_exceptions=False
    )


@pytest.fixture
def platform(tmp_path: Path) -> Path:
    file = tmp_path / "platform.yaml"
    file.write_text(PLATFORM.format(driver="raw_exec"))
    return file


def test_a_platform_that_can_run_services_ends_with_0_and_strictly_with_2(platform: Path) -> None:
    result = call(platform)
    assert result.exit_code == 0
    assert "✓ driver raw_exec on its 1 node" in result.stdout
    assert "? whether each node has envoy and python3 cannot be seen from here" in result.stdout
    assert "→ In each client's configuration: client { template" in result.stdout
    assert result.stdout.splitlines()[-1].startswith("Nothing that can be seen from here is missing (")
    assert call(platform, "--strict").exit_code == 2


def test_a_platform_that_lacks_something_ends_with_1(platform: Path) -> None:
    platform.write_text(PLATFORM.format(driver="docker"))
    result = call(platform)
    assert result.exit_code == 1
    assert "✗ no node has driver docker (node-1)" in result.stdout


def test_settings_are_shown_with_their_origin_and_secrets_only_as_set(platform: Path) -> None:
    result = call(None, platform=Sourced(str(platform), "OUTRIDER_PLATFORM"), nomad=NomadSettings(token="hush"))
    assert f"{platform} (from OUTRIDER_PLATFORM)" in result.stdout
    assert "set (NOMAD_TOKEN)" in result.stdout
    assert "hush" not in result.stdout


def test_findings_are_data_for_a_program(platform: Path) -> None:
    document = json.loads(call(platform, "-o", "json").stdout)
    assert {finding["level"] for finding in document["findings"]} == {"ok", "unknown", "warning"}


def test_without_a_platform_file_the_next_step_is_told() -> None:
    result = call(None)
    assert result.exit_code == 1
    assert "OUTRIDER_PLATFORM" in result.stderr


def test_a_broken_platform_file_is_shown_at_its_line(tmp_path: Path) -> None:
    file = tmp_path / "platform.yaml"
    file.write_text("environments:\n  stage: {nomat: {}}\n")
    result = call(file)
    assert result.exit_code == 1
    assert f"{file}:2:" in result.stderr
