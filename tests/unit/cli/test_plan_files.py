"""Saved plans: written for their owner alone, run as they were shown, and refused in words where they cannot be."""

from __future__ import annotations

import json
import stat
from pathlib import Path
from typing import Any

import pytest
from fakes.command_line import CommandLine

from outrider.cli import exits
from outrider.settings import Sourced

STAGE = ("-e", "stage")


@pytest.fixture
def plan_file(command: CommandLine) -> Path:
    file = command.directory / "checkout.plan"
    result = command("plan", command.spec("env: {A: b}\n"), *STAGE, "--save", str(file))
    assert result.exit_code == exits.CHANGES, result.output
    assert f"outrider run {file}" in result.stderr
    return file


def changed(file: Path, **fields: Any) -> None:
    file.write_text(json.dumps(json.loads(file.read_text()) | fields))


def test_a_saved_plan_is_deployed_without_an_environment_or_the_spec(command: CommandLine, plan_file: Path) -> None:
    (command.directory / "outrider.yaml").unlink()
    result = command("run", str(plan_file))
    assert result.exit_code == 0, result.output
    assert command("plan", command.spec("env: {A: b}\n"), *STAGE).exit_code == 0


def test_a_saved_plan_is_its_owners_alone_and_holds_what_was_shown(plan_file: Path) -> None:
    assert stat.S_IMODE(plan_file.stat().st_mode) == 0o600
    document = json.loads(plan_file.read_text())
    assert document["schema"] == "outrider.saved-plan/1"
    assert document["plan"]["schema"] == "outrider.plan/1"
    assert (document["service"], document["environment"], document["check_index"]) == ("checkout", "stage", 0)
    assert document["source"]["path"] == str((plan_file.parent / "outrider.yaml").resolve())
    assert list(plan_file.parent.glob(".checkout.plan*")) == []


def test_what_has_moved_since_is_said(command: CommandLine, plan_file: Path) -> None:
    assert command("run", command.spec(), *STAGE).exit_code == 0
    result = command("run", str(plan_file))
    assert result.exit_code == exits.FAILED
    assert "checkout would not be deployed as it was planned: its job in Nomad is at index" in result.stderr


def test_a_plan_for_another_environment_is_refused(command: CommandLine, plan_file: Path) -> None:
    result = command("run", str(plan_file), "-e", "production")
    assert result.exit_code == exits.FAILED
    assert "is a plan for stage, and --environment says production" in result.stderr
    by_variable = command("run", str(plan_file), environment=Sourced("production", "OUTRIDER_ENVIRONMENT"))
    assert "OUTRIDER_ENVIRONMENT says production" in by_variable.stderr
    assert command("run", str(plan_file), *STAGE).exit_code == 0


@pytest.mark.parametrize(
    "fields", [{"spec": "service: other\nrun: {command: [x]}\n"}, {"check_index": 7}, {"seal": "0"}]
)
def test_a_plan_that_somebody_has_changed_is_refused(
    command: CommandLine, plan_file: Path, fields: dict[str, Any]
) -> None:
    changed(plan_file, **fields)
    result = command("run", str(plan_file))
    assert result.exit_code == exits.FAILED
    assert "is not the plan that was saved" in result.stderr


def test_a_plan_that_is_cut_is_refused(command: CommandLine, plan_file: Path) -> None:
    plan_file.write_bytes(plan_file.read_bytes()[:300])
    result = command("run", str(plan_file))
    assert result.exit_code == exits.FAILED
    assert "is not the plan that was saved: somebody has changed it, or it is cut" in result.stderr


def test_a_plan_in_another_form_names_both(command: CommandLine, plan_file: Path) -> None:
    changed(plan_file, schema="outrider.saved-plan/0")
    result = command("run", str(plan_file))
    assert "is a plan in the form outrider.saved-plan/0, and this Outrider reads outrider.saved-plan/1" in result.stderr


def test_no_other_option_goes_with_a_plan_which_says_all_itself(command: CommandLine, plan_file: Path) -> None:
    for option in (["--check-index", "3"], ["--take-over"], ["--redeploy"]):
        result = command("run", str(plan_file), *option)
        assert result.exit_code == exits.USAGE
        assert "is a saved plan, which says all that itself" in result.stderr


def test_nothing_but_a_plan_is_written_over(command: CommandLine, plan_file: Path) -> None:
    spec = command.spec("env: {A: c}\n")
    again = command("plan", spec, *STAGE, "--save", str(plan_file))
    assert again.exit_code == exits.CHANGES
    over = command("plan", spec, *STAGE, "--save", spec)
    assert over.exit_code == exits.PLAN_ERROR
    assert "is there, and it is no saved plan" in over.stderr
    assert Path(spec).read_text().startswith("service: checkout")


def test_a_file_that_cannot_be_written_is_named(command: CommandLine) -> None:
    result = command("plan", command.spec(), *STAGE, "--save", str(command.directory / "nowhere" / "x.plan"))
    assert result.exit_code == exits.PLAN_ERROR
    assert "cannot be written: No such file or directory" in result.stderr


def test_a_plan_that_envoy_refuses_is_not_saved(command: CommandLine) -> None:
    command.world.envoy.refused_word = "checkout"
    file = command.directory / "refused.plan"
    result = command("plan", command.spec(), *STAGE, "--save", str(file))
    assert result.exit_code == exits.PLAN_ERROR
    assert "is not saved: Envoy refuses its bootstrap" in result.stderr
    assert not file.exists()


def test_a_plan_of_a_directory_needs_the_directory_no_more(command: CommandLine) -> None:
    folder = command.directory / "app"
    folder.mkdir()
    (folder / "app.py").write_text("print(1)\n")
    (folder / "outrider.yaml").write_text("service: packed\nrun: {command: [python3, app.py], directory: .}\n")
    file = command.directory / "packed.plan"
    result = command("plan", str(folder / "outrider.yaml"), *STAGE, "--save", str(file))
    assert result.exit_code == exits.CHANGES, result.output
    (folder / "app.py").write_text("print(2)\n")
    assert command("run", str(file)).exit_code == 0
    assert "content" in command("plan", str(folder / "outrider.yaml"), *STAGE).stdout


def test_a_spec_that_only_speaks_of_plans_is_a_spec(command: CommandLine) -> None:
    spec = command.spec('env: {A: "outrider.saved-plan/1"}\n')
    assert command("run", spec, *STAGE).exit_code == 0
