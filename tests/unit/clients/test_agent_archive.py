"""The agent as one file, run by a bare Python."""

from __future__ import annotations

import ast
import hashlib
import io
import marshal
import shutil
import subprocess
import sys
import zipfile
from base64 import b64decode
from pathlib import Path

import pytest
from outrider_agent import archive_start, settings

from outrider.clients.agent_archive import FILENAME, agent_archive, carried_agent

MINORS = range(9, 16)
PACKAGE = Path(archive_start.__file__).parent


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
    return ran(directory, agent_archive(), arguments, python, variables)


def ran(
    directory: Path, archive: bytes, arguments: tuple[str, ...], python: str, variables: dict[str, str]
) -> subprocess.CompletedProcess[str]:
    path = directory / FILENAME
    path.write_bytes(archive)
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
    assert carried_agent() == carried_agent()


def test_the_same_sources_make_the_same_bytes_in_another_process_with_other_hashes_of_text(tmp_path: Path) -> None:
    code = "from outrider.clients.agent_archive import *; print(carried_agent(), agent_archive().hex())"
    made = {
        subprocess.run(
            [sys.executable, "-c", code],
            env={"PYTHONHASHSEED": seed, "TZ": zone},
            capture_output=True,
            text=True,
            check=True,
            timeout=60,
        ).stdout
        for seed, zone in (("1", "UTC"), ("2", "Asia/Tokyo"))
    }
    assert made == {f"{carried_agent()} {agent_archive().hex()}\n"}


def unpacked(archive: bytes, directory: Path) -> dict[str, str]:
    """The sources in an archive, by its own start."""
    file = directory / f"{hashlib.sha256(archive).hexdigest()}.pyz"  # Python remembers what lies at a path
    file.write_bytes(archive)
    return archive_start.sources(str(file))


def test_the_archive_is_a_start_and_the_package_packed_together(tmp_path: Path) -> None:
    with zipfile.ZipFile(io.BytesIO(agent_archive())) as archive:
        assert archive.namelist() == ["__main__.py", "sources"]
        assert {entry.compress_type for entry in archive.infolist()} == {zipfile.ZIP_STORED}
        assert {entry.date_time for entry in archive.infolist()} == {(1980, 1, 1, 0, 0, 0)}
    package = {path.name for path in PACKAGE.glob("*.py")} - {"archive_start.py"}
    assert set(unpacked(agent_archive(), tmp_path)) == package


def test_what_is_unpacked_is_what_the_sources_are_without_their_texts_each_statement_on_its_line(
    tmp_path: Path,
) -> None:
    for name, text in unpacked(agent_archive(), tmp_path).items():
        source = (PACKAGE / name).read_text()
        # Of the same names from a module that loads less.
        assert statements(text.replace("_collections_abc", "collections.abc")) == statements(source), name
        assert "# noqa" not in text
        assert len(text) < len(source)


def statements(source: str) -> list[tuple[int, str]]:
    """Line and content of each statement that does something, whatever is said of its types."""
    found = [_untyped(node) for node in ast.walk(ast.parse(source)) if isinstance(node, ast.stmt)]
    return [
        (node.lineno, type(node).__name__ if hasattr(node, "body") else ast.dump(node))
        for node in found
        if not isinstance(node, ast.Pass)
        and not (isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and node.value.value is not ...)
    ]


def _untyped(node: ast.stmt) -> ast.stmt:
    if isinstance(node, ast.AnnAssign) and node.value:
        return ast.copy_location(ast.Assign([node.target], node.value), node)
    return node


def test_each_verb_is_carried_with_what_it_needs_and_the_gate_with_no_more(tmp_path: Path) -> None:
    carried = carried_agent()
    serve, gate = (unpacked(b64decode(text), tmp_path) for text in (carried.serve, carried.gate))
    assert serve == unpacked(agent_archive(), tmp_path)
    assert gate.items() < serve.items()
    assert {"gate.py", "readiness.py", "settings.py", "sockets.py"} <= set(gate)
    assert not {"agent.py", "watch.py", "serving.py", "tls.py"} & set(gate)


def test_every_gate_that_is_carried_runs_by_every_python(tmp_path: Path) -> None:
    """With what it imports only when it must: a module that is missing would show as a traceback."""
    archive = b64decode(carried_agent().gate)
    nowhere = {settings.LISTEN: f"unix:{tmp_path}/a.sock", settings.ENVOY_ADMIN: f"unix:{tmp_path}/e.sock"}
    for python in pythons():
        result = ran(tmp_path, archive, ("gate", "0"), python, nowhere)
        assert (result.returncode, "the agent does not answer" in result.stderr) == (1, True), (python, result.stderr)


def test_the_hash_of_a_carried_agent_is_of_its_sources_and_not_of_what_packed_them(
    tmp_path: Path,
) -> None:
    found = unpacked(b64decode(carried_agent().serve), tmp_path)
    with zipfile.ZipFile(io.BytesIO(agent_archive())) as archive:
        whole = found | {"archive_start.py": archive.read("__main__.py").decode()}
    assert carried_agent().sha256 == hashlib.sha256(marshal.dumps(dict(sorted(whole.items())), 2)).hexdigest()


def test_a_python_without_zlib_says_so(tmp_path: Path) -> None:
    """Some people build their own; here it is one that cannot import it."""
    (tmp_path / FILENAME).write_bytes(agent_archive())
    code = "import sys, runpy; sys.modules['zlib'] = None; sys.argv = ['a', 'serve']; runpy.run_path(sys.argv.pop(0))"
    code = code.replace("['a', 'serve']", f"[{str(tmp_path / FILENAME)!r}, 'serve']").replace(
        "runpy.run_path(sys.argv.pop(0))", "runpy.run_path(sys.argv[0], run_name='__main__')"
    )
    result = subprocess.run(
        [sys.executable, "-I", "-S", "-c", code], capture_output=True, text=True, timeout=30, check=False
    )
    assert result.returncode == 1
    assert result.stderr == f"{archive_start.NO_ZLIB}\n"


def test_where_the_system_has_no_files_in_memory_the_agent_runs_all_the_same(tmp_path: Path) -> None:
    (tmp_path / FILENAME).write_bytes(agent_archive())
    code = (
        f"import os, sys, runpy; del os.memfd_create; sys.argv = [{str(tmp_path / FILENAME)!r}, 'server']; "
        "runpy.run_path(sys.argv[0], run_name='__main__')"
    )
    result = subprocess.run(
        [sys.executable, "-I", "-S", "-c", code], capture_output=True, text=True, timeout=30, check=False
    )
    assert (result.returncode, "usage:" in result.stderr) == (64, True), result.stderr


def test_settings_that_cannot_be_used_are_said_with_a_code_of_their_own_by_every_python(tmp_path: Path) -> None:
    for python in pythons():
        result = run(tmp_path, "serve", python=python, **{settings.LISTEN: "nonsense", settings.UPSTREAMS: "a,a"})
        assert result.returncode == 78, (python, result.stderr)
        assert settings.LISTEN in result.stderr
        assert settings.UPSTREAMS in result.stderr
        assert "Traceback" not in result.stderr


@pytest.mark.parametrize("arguments", ["server", "gate 1 2", "gate soon", "gate -1", "serve 1"])
def test_an_unknown_verb_is_a_usage_error(tmp_path: Path, arguments: str) -> None:
    result = run(tmp_path, *arguments.split())
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
