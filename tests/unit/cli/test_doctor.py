"""The verb `doctor`: findings with signs, settings with their origin, and its exit codes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import httpx2
import pytest
from click.testing import CliRunner, Result
from fakes.recordings import Library
from fakes.shown import NOW, a_status
from pydantic import TypeAdapter

from outrider.cli.main import outrider
from outrider.cli.process_context import ProcessContext
from outrider.operations.answers.lists import Services
from outrider.operations.answers.outside import OutsideChange
from outrider.operations.answers.platform import PlatformState, RefusedPlatform
from outrider.operations.platform_change import platform_hash
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
    portal = settings.pop("portal", None)

    def answer(request: httpx2.Request) -> httpx2.Response:
        if request.url.path.startswith("/api/v1/"):
            if portal is None:
                raise httpx2.ConnectError("connection refused", request=request)
            return httpx2.Response(200, json=portal[request.url.path.removeprefix("/api/v1/")])
        return libraries[request.url.host](request)

    transport = httpx2.MockTransport(answer)
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


def portal(state: PlatformState, *services: Any) -> dict[str, Any]:
    """What a portal answers."""
    return {
        "platform": TypeAdapter(PlatformState).dump_python(state, mode="json"),
        "services": TypeAdapter(Services).dump_python(Services(tuple(services)), mode="json"),
    }


def in_force(file: Path, **more: Any) -> PlatformState:
    return PlatformState(str(file), platform_hash(file.read_bytes()), NOW, ("stage",), **more)


def test_what_only_a_portal_knows_is_said_to_be_unknown_without_one(platform: Path) -> None:
    result = call(platform)
    assert result.exit_code == 0
    assert "? the portal at http://127.0.0.1:7070 (the default address) cannot be reached" in result.stdout
    assert "→ Where one runs, name it (OUTRIDER_ADDR) and its token (OUTRIDER_TOKEN)." in result.stdout
    assert "Older sidecars, what others changed in Nomad and a platform file that the portal refuses" in result.stdout


def test_a_portal_where_all_is_well_says_so(platform: Path) -> None:
    out = call(platform, portal=portal(in_force(platform), a_status("checkout"))).stdout
    assert f"✓ goes by this platform file ({platform_hash(platform.read_bytes())})" in out
    assert "✓ every service is as Outrider left it" in out
    assert "✓ none is known to be older than this platform makes them" in out


def test_older_sidecars_and_what_others_changed_are_warnings_with_the_next_step(platform: Path) -> None:
    scaled = OutsideChange("scaled", "the count was changed from 2 to 5", "the token kim")
    services = (
        a_status("checkout", older=("envoy.Templates",)),
        a_status("cart", changes=(scaled,), outside=("Count",)),
    )
    result = call(platform, "--strict", portal=portal(in_force(platform), *services))
    assert result.exit_code == 2
    assert "! older than this platform makes them: checkout\n" in result.stdout
    assert "→ `outrider redeploy --older -e stage` brings them up in turns" in result.stdout
    assert (
        "! cart was changed outside of Outrider: the count was changed from 2 to 5, by the token kim" in result.stdout
    )
    assert "→ `outrider rollback cart 7 -e stage` undoes it." in result.stdout


def test_a_platform_file_that_the_portal_refuses_fails_with_the_reason(platform: Path) -> None:
    refused = RefusedPlatform(platform_hash(platform.read_bytes()), NOW, ("environments.stage: its Nomad …",))
    state = PlatformState(str(platform), "000000000000", NOW, ("stage",), refused=refused)
    result = call(platform, portal=portal(state, a_status("checkout")))
    assert result.exit_code == 1
    assert f"✗ refuses this platform file ({refused.hash}): environments.stage: its Nomad …" in result.stdout
    assert "It goes by the one before (000000000000)" in result.stdout
    assert "→ Mend the file, or put the one before back" in result.stdout


def test_what_a_portal_of_another_platform_says_is_left_out(platform: Path) -> None:
    state = PlatformState("/etc/other.yaml", "000000000000", NOW, ("stage",))
    result = call(platform, portal=portal(state, a_status("checkout", older=("envoy.Templates",))))
    assert "goes by /etc/other.yaml (000000000000), not by this file" in result.stdout
    assert "older than" not in result.stdout
    assert result.exit_code == 0


def test_of_a_broken_file_it_is_said_that_a_portal_goes_by_the_one_before(tmp_path: Path) -> None:
    file = tmp_path / "platform.yaml"
    file.write_text("environments: {}\n")
    assert "A portal that reads this file goes by the one before until it is mended" in call(file).stderr
