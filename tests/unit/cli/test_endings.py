"""How a command line ends: errors as data, a reader that goes, a bug in plan, and times with their zone."""

from __future__ import annotations

import json
import os
import re
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx2
import pytest
import yaml
from click.testing import CliRunner
from fakes.command_line import SPEC, CommandLine

from outrider.cli.forms import asked_form
from outrider.cli.main import outrider
from outrider.cli.process_context import ProcessContext

STAGE = ("-e", "stage")


@pytest.mark.parametrize(
    ("arguments", "form"),
    [
        (["status", "-o", "json"], "json"),
        (["status", "-ojson"], "json"),
        (["status", "-o=yaml"], "yaml"),
        (["status", "--output=yaml"], "yaml"),
        (["status", "--output", "json", "x"], "json"),
        (["status", "-o", "json", "-o", "table"], "table"),
        (["status", "-o", "xml"], "table"),
        (["status", "-o"], "table"),
        (["status", "--", "-o", "json"], "table"),
        (["status"], "table"),
    ],
)
def test_the_form_of_errors_is_that_of_results(arguments: list[str], form: str) -> None:
    assert asked_form(arguments) == form


def test_an_error_is_a_problem_document_where_data_was_asked_for(command: CommandLine) -> None:
    as_json = command("status", "nobody", *STAGE, "-o", "json")
    document = json.loads(as_json.stderr)
    assert as_json.exit_code == 1
    assert as_json.stdout == ""
    assert document["title"] == "There is no such thing"
    assert "nobody" in document["detail"]
    as_yaml = command("status", "nobody", *STAGE, "-o", "yaml")
    assert yaml.safe_load(as_yaml.stderr) == document


def test_every_problem_of_a_spec_is_in_the_document(command: CommandLine) -> None:
    file = command.spec("count: x\nteem: y\n")
    for verb in ("run", "plan"):
        result = command(verb, file, *STAGE, "-o", "json")
        document = json.loads(result.stderr)
        assert result.exit_code == {"run": 1, "plan": 255}[verb]
        assert [(one["path"], one["line"]) for one in document["problems"]] == [("count", 4), ("teem", 5)]
        assert document["problems"][1]["suggestion"] == "team"


def test_a_wrong_command_line_is_told_as_data_too(command: CommandLine) -> None:
    result = command("status", "--bogus", "-o", "json")
    assert result.exit_code == 64
    assert json.loads(result.stderr)["title"] == "The command line cannot be read"
    assert command("status", "-o", "xml").stderr.startswith("Usage:")


def test_measuring_is_not_told_to_programs(command: CommandLine) -> None:
    assert "Measuring" not in command("graph", *STAGE, "-o", "json").stderr


def test_a_bug_in_plan_is_never_taken_for_changes(command: CommandLine) -> None:
    def broken(_: httpx2.Request) -> httpx2.Response:
        raise KeyError("\x1b[2J")

    around = ProcessContext(command.settings, httpx2.MockTransport(broken))
    result = CliRunner().invoke(outrider, ["plan", command.spec(), *STAGE], obj=around)
    assert result.exit_code == 255
    assert "KeyError" in result.stderr
    assert "\x1b" not in result.stderr


PAGE = "<html>Welcome to the proxy"
ANSWERS: dict[str, dict[str, Any]] = {
    "an object of nobody": {"json": {"refusals": [], "service": "\x1b[2J"}},
    "a list": {"json": []},
    "null": {"json": None},
    "a page": {"text": PAGE, "headers": {"Content-Type": "text/html"}},
    "nothing": {"text": ""},
}


@pytest.mark.parametrize("answer", ANSWERS)
@pytest.mark.parametrize(
    "words",
    [
        ("plan",),
        ("run",),
        ("status",),
        ("status", "checkout"),
        ("history", "checkout"),
        ("endpoints", "checkout"),
        ("graph",),
        ("rollback", "checkout"),
        ("scale", "checkout", "2"),
        ("promote", "checkout"),
    ],
    ids=" ".join,
)
def test_an_answer_that_is_none_of_the_portals_is_an_error_that_names_the_call(
    command: CommandLine, words: tuple[str, ...], answer: str
) -> None:
    transport = httpx2.MockTransport(lambda _: httpx2.Response(200, **ANSWERS[answer]))
    file = [command.spec()] if words[0] in {"plan", "run"} else []
    result = CliRunner().invoke(outrider, [*words, *file, *STAGE], obj=ProcessContext(command.settings, transport))
    assert result.exit_code in {1, 255}
    assert re.search(r"the portal at http://\S+ .*answered (GET|POST) /api/v1/\S+ with something that", result.stderr)
    assert "Traceback" not in result.stderr
    assert "\x1b" not in result.stderr


@pytest.mark.parametrize(
    ("line", "word"),
    [
        (f"count: {'9' * 5000}", "count"),
        (f"env: {{BIG: {'9' * 5000}}}", "BIG"),
        ("description: 2024-13-45", "description"),
        ("env: {DAY: 2024-02-31, TIME: 12:60:61, OCT: 0o9, BIN: 0b3}", "env.DAY"),
    ],
)
def test_big_numbers_and_dates_are_an_error_or_text_and_never_a_traceback(
    command: CommandLine, line: str, word: str
) -> None:
    result = command("plan", command.spec(f"{line}\n"), *STAGE)
    assert result.exit_code in {1, 255}
    assert "Traceback" not in result.stderr
    assert word in (result.stderr if result.exit_code == 255 else result.stdout)


def test_plan_uploads_nothing_and_run_does(command: CommandLine) -> None:
    (command.directory / "app").mkdir()
    (command.directory / "app" / "main.py").write_text("print()")
    spec = command.spec()
    text = SPEC.replace("{command: [/usr/bin/checkout]}", "{command: [python, main.py], directory: app}")
    Path(spec).write_text(text)
    assert command("plan", spec, *STAGE).exit_code == 1
    assert _artifacts(command) == []
    assert command("run", spec, *STAGE).exit_code == 0
    assert len(_artifacts(command)) == 1


def _artifacts(command: CommandLine) -> list[str]:
    (file,) = command.directory.rglob("*.db")
    with closing(sqlite3.connect(file)) as connection:
        return [row[0] for row in connection.execute("select sha256 from artifacts")]


def test_a_reader_that_goes_ends_us_quietly() -> None:
    read, write = os.pipe()
    process = subprocess.Popen(
        [sys.executable, "-c", "from outrider.cli.main import main; main()", "schema"],
        stdout=write,
        stderr=subprocess.PIPE,
    )
    os.close(write)
    os.read(read, 10)
    os.close(read)
    _, said = process.communicate(timeout=60)
    assert process.returncode in {0, 141}
    assert said == b""


READER = """
import asyncio
from outrider.cli.readers import unread
asyncio.run(asyncio.wait_for(unread(), 60))
"""


def test_a_pipe_that_nobody_reads_any_more_is_noticed_while_nothing_is_written() -> None:
    read, write = os.pipe()
    process = subprocess.Popen([sys.executable, "-c", READER], stdout=write)
    os.close(write)
    os.close(read)
    assert process.wait(timeout=50) == 0


TIME = """
from outrider.cli.times import clock, moment
from datetime import datetime
at = datetime.fromisoformat
times = [moment(at("2026-11-27T23:30:00Z")), clock(at("2026-11-27T12:00:00")), moment(at("9999-12-31T23:59:59-12:00"))]
print(clock(at("2026-11-27T12:00:00+00:00")), *times, sep=" | ")
"""


@pytest.mark.parametrize(
    ("zone", "expected"),
    [
        ("UTC", "12:00:00 UTC | 2026-11-27 23:30:00 UTC | 2026-11-27T12:00:00 | 9999-12-31T23:59:59-12:00"),
        ("CET-1", "13:00:00 CET | 2026-11-28 00:30:00 CET | 2026-11-27T12:00:00 | 9999-12-31T23:59:59-12:00"),
        ("EST5", "07:00:00 EST | 2026-11-27 18:30:00 EST | 2026-11-27T12:00:00 | 9999-12-31T23:59:59-12:00"),
    ],
)
def test_times_are_in_the_zone_of_tz_and_say_which(zone: str, expected: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", TIME], env={**os.environ, "TZ": zone}, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == expected
