"""The agent as one file, run by a bare Python."""

from __future__ import annotations

import io
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

from outrider_agent import settings

from outrider.clients.agent_archive import FILENAME, agent_archive

MINORS = range(9, 16)


def pythons() -> list[str]:
    """Every Python from 3.9 on that this machine has, the one that runs the tests first."""
    named = [path for minor in MINORS if (path := shutil.which(f"python3.{minor}"))]
    kept = [str(path) for minor in MINORS for path in Path.home().glob(f".pyenv/versions/3.{minor}.*/bin/python3")]
    return [sys.executable, *(path for path in (*named, *kept) if runs(path))]


def runs(python: str) -> bool:
    """A version manager's shim may be there without its Python."""
    return subprocess.run([python, "-I", "-S", "-c", ""], capture_output=True, timeout=30, check=False).returncode == 0


def run(
    directory: Path, *arguments: str, python: str = sys.executable, **variables: str
) -> subprocess.CompletedProcess[str]:
    path = directory / FILENAME
    path.write_bytes(agent_archive())
    return subprocess.run(
        [python, "-I", "-S", str(path), *arguments],
        env=variables,
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )


def test_the_same_sources_make_the_same_bytes() -> None:
    assert agent_archive() == agent_archive()


def test_the_archive_holds_the_package_and_nothing_else() -> None:
    with zipfile.ZipFile(io.BytesIO(agent_archive())) as archive:
        names = archive.namelist()
        compressed = {entry.compress_type for entry in archive.infolist()}
    assert {"__main__.py", "modules", "outrider_agent/__init__.py", "outrider_agent/watch.py"} <= set(names)
    assert all(name in ("__main__.py", "modules") or name.startswith("outrider_agent/") for name in names)
    assert compressed == {zipfile.ZIP_STORED}


def test_settings_that_cannot_be_used_are_said_with_a_code_of_their_own_by_every_python(tmp_path: Path) -> None:
    for python in pythons():
        result = run(tmp_path, "serve", python=python, **{settings.LISTEN: "nonsense", settings.UPSTREAMS: "a,a"})
        assert result.returncode == 78, (python, result.stderr)
        assert settings.LISTEN in result.stderr
        assert settings.UPSTREAMS in result.stderr
        assert "Traceback" not in result.stderr


def test_an_unknown_verb_is_a_usage_error(tmp_path: Path) -> None:
    result = run(tmp_path, "server")
    assert (result.returncode, "usage:" in result.stderr) == (64, True)


def test_the_gate_fails_with_the_reason_when_nobody_is_there(tmp_path: Path) -> None:
    nowhere = {settings.LISTEN: f"unix:{tmp_path}/a.sock", settings.ENVOY_ADMIN: f"unix:{tmp_path}/e.sock"}
    result = run(tmp_path, "gate", "0", **nowhere)
    assert result.returncode == 1
    assert "the agent does not answer" in result.stderr
    assert "Envoy's admin socket" in result.stderr


def test_an_address_that_is_taken_ends_the_agent_with_the_reason(tmp_path: Path) -> None:
    result = run(tmp_path, **{settings.LISTEN: f"unix:{tmp_path}/missing/agent.sock"})
    assert result.returncode == 1
    assert "cannot listen on" in result.stderr
