"""Help comes at once: it imports none of the verbs, and says of each what the verb says of itself."""

from __future__ import annotations

import importlib
import subprocess
import sys

import click
import pytest
from click.testing import CliRunner

from outrider.cli.main import outrider
from outrider.cli.verbs import VERBS, Verb

HEAVY = (
    "httpx2",
    "pydantic",
    "yaml",
    "jinja2",
    "fastapi",
    "sqlalchemy",
    "asyncio",
    "outrider.spec",
    "outrider.clients",
)


@pytest.mark.parametrize("verb", VERBS.values(), ids=list(VERBS))
def test_a_verb_is_where_the_table_says_with_the_sentence_that_the_table_shows(verb: Verb) -> None:
    command = getattr(importlib.import_module(f"outrider.cli.{verb.module}"), verb.name)
    assert isinstance(command, click.Command)
    assert command.short_help == verb.sentence
    assert command.help


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_has_help(verb: str) -> None:
    result = CliRunner().invoke(outrider, [verb, "--help"])
    assert result.exit_code == 0
    assert f"Usage: outrider {verb}" in result.stdout


def test_help_lists_every_verb() -> None:
    listed = CliRunner().invoke(outrider, ["-h"]).stdout
    assert all(f"\n  {verb} " in listed for verb in VERBS)


def test_help_imports_nothing_heavy() -> None:
    code = (
        "import atexit, sys\n"
        f"atexit.register(lambda: print('LOADED', *[name for name in {HEAVY!r} if name in sys.modules], file=sys.stderr))\n"
        "from outrider.cli.main import main\nsys.argv = ['outrider', '--help']\nmain()\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stderr.strip() == "LOADED"
