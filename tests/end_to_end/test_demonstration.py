from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

OUTRIDER = Path(sys.executable).parent / "outrider"
SENTENCES = (
    "every service is healthy",
    "every declared edge carries requests",
    "an instance of catalog killed under load loses no request but its own POSTs",
    "a redeploy of inventory leaves every other Envoy untouched",
    "all processes are gone at the end",
)


@pytest.mark.needs("redis")
def test_the_demonstration_proves_itself_and_leaves_nothing_behind(tmp_path: Path) -> None:
    command = [OUTRIDER, "dev", "--demo", "--check", "--directory", tmp_path]
    run = subprocess.run(command, capture_output=True, text=True, timeout=170, check=False)
    held = {line.removeprefix("ok    ").split(":")[0] for line in run.stdout.splitlines() if line.startswith("ok")}
    assert (run.returncode, held) == (0, set(SENTENCES)), run.stdout + run.stderr
