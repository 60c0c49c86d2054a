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
