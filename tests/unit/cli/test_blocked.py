"""What stops a change is listed with who lifts it and the words that go past; why is kept."""

from __future__ import annotations

import json

import click
from click.testing import Result
from fakes.command_line import CommandLine

STAGE = ("-e", "stage")
CANARY = "count: 2\nupdate: {canary: 1}\n"


def with_a_canary(command: CommandLine) -> CommandLine:
    """Version 2 waits for somebody."""
    for more in (CANARY, f"{CANARY}env: {{A: b}}\n"):
        assert command("run", command.spec(more), *STAGE).exit_code == 0
    return command


def another(command: CommandLine, *more: str) -> Result:
    return command("run", command.spec(f"{CANARY}env: {{A: c}}\n"), *STAGE, *more)


def test_a_refusal_lists_what_stops_it_who_lifts_it_and_the_words_that_go_past(command: CommandLine) -> None:
    refused = another(with_a_canary(command))
    lines = click.unstyle(refused.stderr).splitlines()
    assert refused.exit_code == 1
    assert lines[0] == "Error: run of checkout in stage is stopped by: deploying"
    assert lines[1] == "Before this can go:"
    assert lines[2].startswith("  deploying  version 2 is brought up (run) by ")
    assert lines[2].endswith("its canary waits; this one differs from it in env.A: b → c")
    assert lines[3].startswith("             lifted by whoever may deploy the service: `outrider promote checkout")
    assert "--override deploying --reason TEXT" in lines[4]


def test_a_program_reads_the_same_list(command: CommandLine) -> None:
    refused = another(with_a_canary(command), "-o", "json")
    problem = json.loads(refused.stderr.splitlines()[-1])
    assert problem["title"] == "It cannot go yet"
    assert [(one["name"], sorted(one)) for one in problem["blockers"]] == [
        ("deploying", ["lifted_by", "name", "reason"])
    ]


def test_with_the_words_it_goes_and_says_so(command: CommandLine) -> None:
    gone = another(with_a_canary(command), "--override", "deploying", "--reason", "the canary has a bug")
    assert "overrides deploying (version 2 is brought up" in gone.stderr
    assert "): the canary has a bug" in gone.stderr
    assert gone.exit_code == 0


def test_a_plan_ends_with_the_command_that_goes_past(command: CommandLine) -> None:
    file = with_a_canary(command).spec(f"{CANARY}env: {{A: c}}\n")
    lines = click.unstyle(command("plan", file, *STAGE).stdout).splitlines()
    assert "Before this can go:" in lines
    assert lines[-1].endswith(f"--override deploying --reason TEXT -e stage {file}")


def test_an_override_without_a_reason_is_a_wrong_command(command: CommandLine) -> None:
    wrong = command("run", command.spec(), *STAGE, "--override", "freeze")
    assert wrong.exit_code == 64
    assert "--override freeze needs a reason: add --reason TEXT." in wrong.stderr


def test_an_unknown_blocker_is_named_with_the_near_one(command: CommandLine) -> None:
    wrong = command("stop", "checkout", *STAGE, "--override", "frezze", "--reason", "x")
    assert wrong.exit_code == 64
    assert "nothing called 'frezze' stops a change. Did you mean freeze?" in wrong.stderr


def test_a_blank_reason_is_none(command: CommandLine) -> None:
    assert "it is blank" in command("scale", "checkout", "2", *STAGE, "--reason", "  ").stderr
