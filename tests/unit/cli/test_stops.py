"""Freezing, rejecting and going back on the command line, and the one list of all that was done."""

from __future__ import annotations

import json
import os
import pty
import re
import subprocess
import sys
from pathlib import Path

import click
import pytest
from fakes.command_line import CommandLine

STAGE = ("-e", "stage")
WHY = ("--reason", "Black Friday")


@pytest.fixture
def deployed(command: CommandLine) -> CommandLine:
    assert command("run", command.spec(), *STAGE, "--reason", "the first").exit_code == 0
    return command


@pytest.mark.parametrize("subject", ["checkout", "team:storefront", "env:stage"])
def test_a_freeze_stops_a_run_is_listed_and_thawed(deployed: CommandLine, subject: str) -> None:
    frozen = deployed("freeze", subject, *STAGE, *WHY, "--until", "4h")
    assert frozen.exit_code == 0
    assert re.match(rf"{subject} in stage is frozen until 20\d\d-", frozen.stdout)
    heads, row = click.unstyle(deployed("freeze").stdout).splitlines()
    assert heads.split() == ["ENVIRONMENT", "FROZEN", "UNTIL", "BY", "REASON"]
    assert row.split()[:2] == ["stage", subject]
    assert row.endswith("Black Friday")
    stopped = deployed("run", deployed.spec("env: {A: b}\n"), *STAGE)
    assert (stopped.exit_code, "  freeze  " in stopped.stderr) == (1, True)
    assert f"`outrider thaw {subject} -e stage`" in stopped.stderr
    assert deployed("thaw", subject, *STAGE).stdout == f"{subject} in stage is no longer frozen (Black Friday).\n"
    assert deployed("run", deployed.spec("env: {A: b}\n"), *STAGE).exit_code == 0
    assert deployed("freeze", *STAGE).stdout == "Nothing is frozen.\n"


def test_an_environment_is_frozen_in_itself(deployed: CommandLine) -> None:
    assert deployed("freeze", "env:production", *WHY, "--until", "2d").exit_code == 0
    (found,) = json.loads(deployed("freeze", "-o", "json").stdout)["freezes"]
    assert (found["environment"], found["scope"], found["name"]) == ("production", "environment", "production")
    assert deployed("thaw", "env:production").exit_code == 0


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("checkout", "--until", "4h"), 64, "Say why and until when"),
        (("checkout", *WHY), 64, "Say why and until when"),
        (("checkout", *WHY, "--until", "soon"), 64, "'soon' is no time such as 4h, 3d"),
        (("checkout", *WHY, "--until", "2020-01-01"), 1, "has passed: it is 20"),
        (("chekout", *WHY, "--until", "4h"), 1, "stage knows no service chekout"),
        (("team:nobody", *WHY, "--until", "4h"), 1, "There are: storefront."),
        (("region:eu", *WHY, "--until", "4h"), 64, "is neither a service nor team:TEAM nor env:ENVIRONMENT"),
        (("team:", *WHY, "--until", "4h"), 64, "is neither a service nor team:TEAM"),
    ],
)
def test_a_freeze_that_cannot_be_says_what_is_wrong(
    deployed: CommandLine, words: tuple[str, ...], code: int, said: str
) -> None:
    result = deployed("freeze", *words, *STAGE)
    assert (result.exit_code, said in " ".join(result.stderr.split())) == (code, True), result.stderr


def test_a_version_is_rejected_with_a_reason_and_let_run_again(deployed: CommandLine) -> None:
    deployed("run", deployed.spec("env: {A: b}\n"), *STAGE)
    assert deployed("reject", "checkout", "1", *STAGE).exit_code == 64
    rejected = deployed("reject", "checkout", "1", *STAGE, "--reason", "loses orders")
    assert rejected.stdout == "Version 1 of checkout in stage is rejected.\n"
    back = deployed("rollback", "checkout", "1", *STAGE)
    assert (back.exit_code, "was rejected by" in back.stderr) == (1, True)
    listed = click.unstyle(deployed("history", "checkout", *STAGE).stdout)
    assert "1 (rejected)" in listed
    assert "! version 1 is rejected: loses orders" in listed
    lifted = deployed("reject", "checkout", "1", *STAGE, "--lift")
    assert lifted.stdout == "Version 1 of checkout in stage may run again.\n"
    assert deployed("rollback", "checkout", "1", *STAGE, "--reason", "slow").exit_code == 0


def test_history_lists_every_change_with_its_number_author_reason_and_what_it_went_past(deployed: CommandLine) -> None:
    deployed("scale", "checkout", "2", *STAGE, "--reason", "load")
    deployed("freeze", "checkout", *STAGE, *WHY, "--until", "4h")
    past = ("--override", "freeze", "--reason", "orders are lost")
    assert deployed("run", deployed.spec("env: {A: b}\n"), *STAGE, *past).exit_code == 0
    lines = click.unstyle(deployed("history", "checkout", *STAGE).stdout).splitlines()
    assert lines[0].split() == ["RELEASE", "WHEN", "CHANGE", "VERSION", "BY", "OUTCOME", "DEPLOYMENT", "WHY"]
    assert [line.split()[0] for line in lines[1:4]] == ["3", "2", "1"]
    assert re.search(r"^3 .* run +2 .* successful +[0-9a-f]{8} +orders are lost$", lines[1])
    assert re.search(r"^2 .* scale to 2 +1 .* load$", lines[2])
    assert re.search(r"^1 .* run +1 .* the first$", lines[3])
    assert lines[4].startswith("! 3 went past freeze: checkout is frozen until")
    releases = json.loads(deployed("history", "checkout", *STAGE, "-o", "json").stdout)["releases"]
    assert [(one["number"], one["cause"]) for one in releases] == [
        (3, "orders are lost"),
        (2, "load"),
        (1, "the first"),
    ]
    events = deployed("history", "checkout", *STAGE, "--deployment", releases[0]["deployment"][:8])
    assert "overrides freeze (checkout is frozen until" in events.stdout


def test_a_rollback_asks_nobody_for_a_reason_where_nobody_can_answer(deployed: CommandLine) -> None:
    deployed("run", deployed.spec("env: {A: b}\n"), *STAGE)
    result = deployed("rollback", "checkout", *STAGE)
    assert (result.exit_code, "Why does it go back?" in result.stderr) == (0, False)


@pytest.mark.parametrize(("typed", "kept"), [(b"it is slow\n", "it is slow"), (b"\n", "")])
def test_a_rollback_asks_a_person_at_a_terminal_why(deployed: CommandLine, typed: bytes, kept: str) -> None:
    deployed("run", deployed.spec("env: {A: b}\n"), *STAGE)
    ours, theirs = pty.openpty()
    address = deployed.settings.address.value
    program = str(Path(sys.executable).with_name("outrider"))
    process = subprocess.Popen(
        [program, "rollback", "checkout", *STAGE, "--addr", address], stdin=theirs, stdout=theirs, stderr=theirs
    )
    os.close(theirs)
    os.write(ours, typed)
    said = b""
    while chunk := _read(ours):
        said += chunk
    assert process.wait(60) == 0, said
    os.close(ours)
    assert b"Why does it go back?" in said
    newest, *_ = json.loads(deployed("history", "checkout", *STAGE, "-o", "json").stdout)["releases"]
    assert (newest["kind"], newest["cause"]) == ("rollback", kept)


def _read(terminal: int) -> bytes:
    """What comes; nothing where the other side has hung up."""
    try:
        return os.read(terminal, 4096)
    except OSError:
        return b""
