"""`outrider diff`: versions, what runs, files and environments, and its exit codes."""

from __future__ import annotations

import json

import pytest
from fakes.command_line import CommandLine

from outrider.cli import exits

STAGE, PRODUCTION = ("-e", "stage"), ("-e", "production")


@pytest.fixture
def twice(command: CommandLine) -> CommandLine:
    """Two versions in stage."""
    for more in ("env: {A: one}\n", "env: {A: two}\n"):
        assert command("run", command.spec(more), *STAGE).exit_code == 0
    return command


@pytest.fixture
def everywhere(twice: CommandLine) -> CommandLine:
    """And the first of them in production, which has the same Nomad here: nothing of stage runs any more."""
    assert twice("run", twice.spec("env: {A: one}\n"), *PRODUCTION).exit_code == 0
    return twice


def test_two_versions_by_their_numbers(twice: CommandLine) -> None:
    result = twice("diff", "checkout", "1", "2", *STAGE)
    assert result.exit_code == exits.CHANGES
    head, change, *_ = result.stdout.splitlines()
    assert head == "Different: checkout@stage:1 → checkout@stage:2"
    assert change == "~   env.A: one → two"


def test_a_version_and_what_runs(twice: CommandLine) -> None:
    result = twice("diff", "checkout", "1", *STAGE)
    assert result.stdout.startswith("Different: checkout@stage:1 → checkout@stage:2 (runs)")
    assert twice("diff", "checkout", "2", *STAGE).exit_code == exits.OK


def test_two_environments_differ_in_the_spec_or_not_at_all(everywhere: CommandLine) -> None:
    result = everywhere("diff", "checkout@stage:2", "checkout@production")
    assert result.exit_code == exits.CHANGES
    assert "env.A: two → one" in result.stdout
    same = everywhere("diff", "checkout@stage:1", "checkout@production")
    assert same.exit_code == exits.OK, same.output
    assert same.stdout.startswith("No difference: checkout@stage:1 → checkout@production:1 (runs)")


def test_the_environment_of_one_side_is_that_of_the_other(twice: CommandLine) -> None:
    assert twice("diff", "checkout@stage:1", "checkout:2").exit_code == exits.CHANGES


def test_a_file_and_what_runs(twice: CommandLine) -> None:
    same, other = twice.spec("env: {A: two}\n", "same.yaml"), twice.spec("env: {A: three}\n", "other.yaml")
    assert twice("diff", same, *STAGE).exit_code == exits.OK
    result = twice("diff", other, *STAGE)
    assert result.exit_code == exits.CHANGES
    assert "env.A: two → three" in result.stdout
    assert twice("diff", "checkout@stage", other).stdout.splitlines()[1] == "~   env.A: two → three"
    files = twice("diff", same, other, *STAGE)
    assert "env.A: two → three" in files.stdout


def test_every_place_is_shown_when_it_is_asked_for(twice: CommandLine) -> None:
    short = twice("diff", "checkout", "1", "2", *STAGE)
    assert "(--raw shows them)" in short.stdout
    result = twice("diff", "checkout", "1", "2", *STAGE, "--raw")
    assert "TaskGroups[checkout].Tasks[app].Env.A: one → two" in result.stdout


def test_the_document_has_a_form_with_a_number(twice: CommandLine) -> None:
    document = json.loads(twice("diff", "checkout", "1", "2", *STAGE, "-o", "json").stdout)
    assert (document["schema"], document["is_same"], document["raw"]) == ("outrider.diff/1", False, None)
    assert document["before"]["version"] == 1
    whole = json.loads(twice("diff", "checkout", "1", "2", *STAGE, "-o", "json", "--raw").stdout)
    assert whole["raw"]["job"]


def test_a_comparison_is_markdown_for_a_review(twice: CommandLine) -> None:
    result = twice("diff", "checkout", "1", "2", *STAGE, "-o", "markdown")
    assert result.exit_code == exits.CHANGES
    assert result.stdout.startswith("### Different: checkout&#8203;@") or result.stdout.startswith(
        "### Different: checkout@"
    )
    assert "```diff\n~   env.A: one → two" in result.stdout


@pytest.mark.parametrize(
    "what", [["checkout", "9"], ["checkout@nowhere", "checkout@stage"], ["ghost@stage", "checkout@stage"]]
)
def test_what_nobody_knows_is_an_error(twice: CommandLine, what: list[str]) -> None:
    result = twice("diff", *what, *STAGE)
    assert result.exit_code == exits.PLAN_ERROR
    assert result.stderr


def test_a_version_that_does_not_run_is_named_with_the_way_to_say_which(twice: CommandLine) -> None:
    twice("stop", "checkout", *STAGE, "--purge")
    result = twice("diff", "checkout@stage", "checkout@production")
    assert result.exit_code == exits.PLAN_ERROR
    assert "no version of checkout that this portal knows runs in stage" in result.stderr
    assert "checkout@stage:NUMBER" in result.stderr


@pytest.mark.parametrize(
    "what", [["checkout"], ["a", "b", "c"], ["nofile.yaml", "checkout"], ["checkout:0", "checkout"], ["A b"]]
)
def test_what_cannot_be_compared_is_a_mistake_of_the_command_line(command: CommandLine, what: list[str]) -> None:
    assert command("diff", *what, *STAGE).exit_code == exits.USAGE


def test_secrets_are_masked_on_both_sides(command: CommandLine) -> None:
    for value in ("hunter1", "hunter2"):
        assert command("run", command.spec(f"env: {{DB_PASSWORD: {value}}}\n"), *STAGE).exit_code == 0
    for form in ("table", "json", "yaml", "markdown"):
        result = command("diff", "checkout", "1", "2", *STAGE, "--raw", "-o", form)
        assert "hunter" not in result.output
        assert "(sensitive value)" in result.stdout
