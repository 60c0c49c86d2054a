"""The verb `portal`: says where it answers, ends well when it is told to, and names a busy port."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import httpx2
import pytest
from outrider_ground.edge.listening import listening_address

from outrider.programs.portal import url_of

PROGRAM = (sys.executable, "-c", "from outrider.cli.main import main; main()")
PLATFORM = """
environments:
  stage:
    nomad: {address: "http://127.0.0.1:9"}
    consul: {address: "http://127.0.0.1:9"}
    driver: raw_exec
portal: {url: "http://127.0.0.1:7070"}
"""


def started(folder: Path, port: int) -> subprocess.Popen[str]:
    (folder / "platform.yaml").write_text(PLATFORM)
    arguments = ("--platform", str(folder / "platform.yaml"), "--database", f"sqlite:///{folder / 'portal.db'}")
    environment = {**os.environ, "XDG_DATA_HOME": str(folder)}
    line = [*PROGRAM, "portal", *arguments, "--port", str(port)]
    return subprocess.Popen(line, stderr=subprocess.PIPE, text=True, env=environment)


@pytest.mark.parametrize("ending", [signal.SIGTERM, signal.SIGINT])
def test_the_portal_answers_until_it_is_told_to_end(tmp_path: Path, ending: signal.Signals) -> None:
    process = started(tmp_path, 0)
    assert process.stderr
    line = process.stderr.readline()
    assert line.startswith("The portal of stage answers at http://127.0.0.1:")
    address = line.split()[-1]
    assert httpx2.get(f"{address}/api/v1/health").json()["status"] == "ok"
    assert "stage" in httpx2.get(address).text
    process.send_signal(ending)
    _, said = process.communicate(timeout=30)
    assert process.returncode == 0
    assert said == "Ending.\n"


def test_a_busy_port_is_named(tmp_path: Path) -> None:
    with socket.socket() as busy:
        busy.bind(("127.0.0.1", 0))
        busy.listen()
        port = busy.getsockname()[1]
        _, said = started(tmp_path, port).communicate(timeout=30)
    assert f"port {port} on 127.0.0.1 is taken" in said
    assert "Traceback" not in said


@pytest.mark.parametrize(
    ("host", "address"),
    [
        ("127.0.0.1", "http://127.0.0.1:80"),
        ("::1", "http://[::1]:80"),
        ("localhost", "http://localhost:80"),
        (" ::1 ", "http://[::1]:80"),
        ("0", None),
        ("0.0.0.0", None),
        ("::", None),
        ("::ffff:0.0.0.0", None),
        ("", None),
    ],
)
def test_where_a_portal_listens_is_where_it_is_reached_but_for_everywhere(host: str, address: str | None) -> None:
    assert url_of(host, listening_address(host), 80) == address


def test_a_portal_without_a_url_that_listens_everywhere_says_what_it_cannot_serve(tmp_path: Path) -> None:
    (tmp_path / "platform.yaml").write_text(PLATFORM.partition("portal:")[0])
    arguments = ("--platform", str(tmp_path / "platform.yaml"), "--database", f"sqlite:///{tmp_path / 'portal.db'}")
    line = [*PROGRAM, "portal", *arguments, "--port", "0", "--host", "0.0.0.0", "--anonymous"]
    process = subprocess.Popen(line, stderr=subprocess.PIPE, text=True)
    assert process.stderr
    process.stderr.readline()
    assert "portal.url is not set, and 0.0.0.0 is no address" in process.stderr.readline()
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=30)


def ended(folder: Path, *arguments: str, **variables: str) -> tuple[int, str]:
    """Exit code and stderr of a portal that does not start."""
    (folder / "platform.yaml").write_text(PLATFORM)
    line = [*PROGRAM, "portal", "--platform", str(folder / "platform.yaml"), "--port", "0", *arguments]
    environment = {**os.environ, "XDG_DATA_HOME": str(folder), "XDG_CONFIG_HOME": str(folder), **variables}
    done = subprocess.run(line, stderr=subprocess.PIPE, text=True, env=environment, timeout=60, check=False)
    return done.returncode, done.stderr


@pytest.mark.parametrize("host", ["0.0.0.0", "", "::", "192.0.2.1"])
def test_a_portal_beyond_loopback_without_a_token_refuses_to_start(tmp_path: Path, host: str) -> None:
    code, said = ended(tmp_path, "--host", host)
    assert code == 1
    assert "it has no token" in said
    assert "OUTRIDER_TOKEN" in said
    assert "--anonymous" in said


@pytest.mark.parametrize(
    ("token", "arguments"), [("", ()), (" ", ("--host", "0.0.0.0")), ("\t\n", ("--host", "0.0.0.0", "--anonymous"))]
)
def test_a_token_that_is_set_but_blank_is_an_error(tmp_path: Path, token: str, arguments: tuple[str, ...]) -> None:
    code, said = ended(tmp_path, *arguments, OUTRIDER_TOKEN=token)
    assert code == 1
    assert "the token from OUTRIDER_TOKEN is blank" in said


def test_a_blank_token_of_the_context_file_is_an_error_too(tmp_path: Path) -> None:
    (tmp_path / "outrider").mkdir()
    (tmp_path / "outrider" / "context.toml").write_text('token = " "')
    code, said = ended(tmp_path, "--host", "0.0.0.0")
    assert code == 1
    assert "context.toml is blank" in said


@pytest.mark.parametrize(
    ("arguments", "variables", "status"),
    [
        (("--anonymous",), {}, 200),
        ((), {"OUTRIDER_TOKEN": "s3cret"}, 401),
        (("--anonymous",), {"OUTRIDER_TOKEN": "s3cret"}, 401),
    ],
)
def test_beyond_loopback_it_starts_with_a_token_or_when_told_to_let_everybody_in(
    tmp_path: Path, arguments: tuple[str, ...], variables: dict[str, str], status: int
) -> None:
    (tmp_path / "platform.yaml").write_text(PLATFORM)
    line = [*PROGRAM, "portal", "--platform", str(tmp_path / "platform.yaml"), "--port", "0", "--host", "0.0.0.0"]
    environment = {**os.environ, "XDG_DATA_HOME": str(tmp_path), "OUTRIDER_HOSTS": "portal.example, two.example"}
    process = subprocess.Popen([*line, *arguments], stderr=subprocess.PIPE, text=True, env=environment | variables)
    assert process.stderr
    address = process.stderr.readline().split()[-1]
    url = address.replace("0.0.0.0", "127.0.0.1") + "/api/v1/environments"
    assert httpx2.get(url).status_code == status
    assert httpx2.get(url, headers={"Host": "two.example"}).status_code == status
    assert httpx2.get(url, headers={"Host": "three.example"}).status_code == 421
    assert httpx2.get(f"{address}/api/v1/health").status_code == 200
    process.terminate()
    process.communicate(timeout=30)
