"""What `outrider` does where only its own distribution is installed: everything but one machine, which says what to add."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).parents[3] / "examples"
# None in sys.modules is a module that is not there.
WITHOUT = """
import sys
for name in {missing!r}:
    sys.modules[name] = None
from outrider.cli.main import main
sys.argv[0] = "outrider"
main()
"""
EXTRA = ("outrider_embedded", "psutil", "h2", "outrider_harness", "rich")


def outrider(missing: tuple[str, ...], *arguments: str) -> subprocess.CompletedProcess[str]:
    code = WITHOUT.format(missing=missing)
    return subprocess.run([sys.executable, "-c", code, *arguments], capture_output=True, text=True, check=False)


@pytest.mark.parametrize("missing", [EXTRA, ("psutil",), ("outrider_embedded",)], ids=["all", "psutil", "embedded"])
def test_one_machine_says_what_to_install(missing: tuple[str, ...]) -> None:
    answer = outrider(missing, "dev")
    assert answer.returncode == 1
    assert "`outrider dev` needs Consul and Nomad for one machine, which are not installed" in answer.stderr
    assert "(its extra `dev`)" in answer.stderr
    assert "Traceback" not in answer.stderr


@pytest.mark.parametrize(
    "verb", [("validate",), ("render", "-e", "stage", "--part", "envoy")], ids=["validate", "render"]
)
def test_files_are_read_and_rendered(verb: tuple[str, ...]) -> None:
    platform = str(EXAMPLES / "platforms" / "raw-exec-host.yaml")
    answer = outrider(EXTRA, *verb, "--platform", platform, str(EXAMPLES / "shop" / "inventory.yaml"))
    assert (answer.returncode, answer.stderr) == (0, "")


@pytest.mark.parametrize("verb", ["portal", "doctor", "explain", "run", "status"])
def test_every_other_verb_is_there(verb: str) -> None:
    answer = outrider(EXTRA, verb, "--help")
    assert (answer.returncode, answer.stderr) == (0, "")
