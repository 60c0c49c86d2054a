"""Every way in which a command can end has its exit code, and the words that go with it."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from fakes.command_line import CommandLine
from fakes.nomad import Outcome

from outrider.settings import Sourced

NOBODY = Sourced("http://127.0.0.1:9", "OUTRIDER_ADDR")
PROGRAM = (sys.executable, "-c", "from outrider.cli.main import main; main()")


def outcome(command: CommandLine, file: str, what: Outcome) -> None:
    """Let the allocations of this spec come to this end."""
    planned = json.loads(command("plan", file, "-e", "stage", "-o", "json").stdout)
    command.world.nomad.outcomes[planned["version_hash"]] = what


def test_plan_ends_with_1_when_something_would_change_and_with_the_command_that_does_just_that(
    command: CommandLine,
) -> None:
    file = command.spec()
    result = command("plan", file, "-e", "stage")
    assert result.exit_code == 1
    assert "checkout is new in stage" in result.stdout
    assert result.stdout.splitlines()[-1].strip() == f"outrider run --check-index 0 -e stage {file}"


def test_plan_ends_with_0_when_nothing_would_change(command: CommandLine) -> None:
    file = command.spec()
    assert command("run", file, "-e", "stage").exit_code == 0
    result = command("plan", file, "-e", "stage")
    assert result.exit_code == 0
    assert "No change" in result.stdout


def test_plan_ends_with_255_on_an_error(command: CommandLine) -> None:
    result = command("plan", command.spec(), "-e", "stage", address=NOBODY)
    assert result.exit_code == 255
    assert command("plan", command.spec("port: lots\n"), "-e", "stage").exit_code == 255
    assert command("plan", command.spec(), "-e", "moon").exit_code == 255


def test_plan_ends_with_255_when_envoy_refuses_the_bootstrap(command: CommandLine) -> None:
    command.world.envoy.refused_word = "checkout"
    result = command("plan", command.spec(), "-e", "stage")
    assert result.exit_code == 255
    assert "Envoy refuses this: Didn't find a registered implementation" in result.stdout
    assert "--check-index" not in result.stdout


def test_run_ends_with_0_when_all_is_well(command: CommandLine) -> None:
    result = command("run", command.spec(), "-e", "stage")
    assert result.exit_code == 0
    assert "✓" in result.stderr.splitlines()[-1]
    assert result.stdout == ""


def test_run_ends_with_1_when_an_allocation_fails_and_says_where_to_look(command: CommandLine) -> None:
    file = command.spec()
    outcome(command, file, "crash")
    result = command("run", file, "-e", "stage")
    assert result.exit_code == 1
    hint = re.search(r"`outrider (logs checkout -e stage --allocation [0-9a-f]{8} --type stderr)`", result.stderr)
    assert hint is not None
    assert "boom" in command(*hint[1].split()).stdout


def test_run_ends_with_2_when_nomad_finds_no_room(command: CommandLine) -> None:
    file = command.spec()
    outcome(command, file, "no room")
    result = command("run", file, "-e", "stage")
    assert result.exit_code == 2
    assert "no node for checkout" in result.stderr


def test_run_ends_with_1_when_somebody_was_faster(command: CommandLine) -> None:
    result = command("run", command.spec(), "-e", "stage", "--check-index", "7")
    assert result.exit_code == 1
    assert "Error:" in result.stderr


def test_run_ends_with_124_when_the_wait_is_over_and_the_deployment_goes_on(command: CommandLine) -> None:
    file = command.spec()
    outcome(command, file, "hang")
    result = command("run", file, "-e", "stage", "--wait-timeout", "300ms")
    assert result.exit_code == 124
    assert "the deployment goes on" in result.stderr
    assert "outrider history checkout -e stage --deployment" in result.stderr


def test_run_that_is_detached_prints_the_deployment_and_does_not_wait(command: CommandLine) -> None:
    file = command.spec()
    outcome(command, file, "hang")
    result = command("run", file, "-e", "stage", "--detach")
    assert result.exit_code == 0
    assert len(result.stdout.strip()) == 36


def test_run_with_a_canary_ends_with_0_when_it_waits_for_a_person(command: CommandLine) -> None:
    assert command("run", command.spec(), "-e", "stage").exit_code == 0
    result = command("run", command.spec("update: {canary: 1}\nenv: {A: b}\n"), "-e", "stage")
    assert result.exit_code == 0
    assert "outrider promote checkout -e stage" in result.stderr
    assert command("promote", "checkout", "-e", "stage").exit_code == 0


def test_a_canary_that_waits_is_left_without_a_word_too_many(command: CommandLine) -> None:
    """In a process of its own: what the end of the event loop finds open, it complains of on stderr."""
    assert command("run", command.spec(), "-e", "stage").exit_code == 0
    file = command.spec("update: {canary: 1}\nenv: {A: b}\n")
    assert command.settings.address is not None
    arguments = ("run", file, "-e", "stage", "--addr", command.settings.address.value)
    ended = subprocess.run((*PROGRAM, *arguments), capture_output=True, text=True, check=False)
    assert ended.returncode == 0
    assert ended.stderr.splitlines()[-1] == "or `outrider fail checkout -e stage` to keep the version before."


@pytest.mark.parametrize(
    "arguments",
    [
        ("nonsense",),
        ("plan", "--nonsense"),
        ("run", "no-such-file.yaml"),
        ("scale", "checkout", "many", "-e", "stage"),
        ("scale", "checkout", "-1", "-e", "stage"),
        ("run", "--wait-timeout", "soon"),
        ("status", "-o", "xml"),
        ("validate", "no-such-file.yaml"),
    ],
)
def test_a_wrong_command_line_ends_with_64(command: CommandLine, arguments: tuple[str, ...]) -> None:
    result = command(*arguments)
    assert result.exit_code == 64
    assert "Usage: outrider" in result.stderr


def test_a_verb_that_is_nearly_one_is_suggested(command: CommandLine) -> None:
    assert "Did you mean 'rollback'?" in command("rolback").stderr


def test_an_environment_that_nobody_named_ends_with_64_and_lists_them(command: CommandLine) -> None:
    result = command("status", "checkout")
    assert result.exit_code == 64
    assert "-e stage|production" in result.stderr


@pytest.mark.parametrize("verb", ["status", "graph", "history", "promote"])
def test_a_portal_that_is_down_is_named_with_its_address_its_origin_and_what_to_do(
    command: CommandLine, verb: str
) -> None:
    arguments = (verb,) if verb in {"status", "graph"} else (verb, "checkout")
    result = command(*arguments, "-e", "stage", address=NOBODY)
    assert result.exit_code == 1
    assert "the portal at http://127.0.0.1:9 (from OUTRIDER_ADDR) cannot be reached" in result.stderr
    assert "`outrider dev`" in result.stderr
    assert "OUTRIDER_ADDR" in result.stderr


def test_a_context_file_that_cannot_be_used_is_shown(tmp_path: Path) -> None:
    (tmp_path / "outrider").mkdir()
    (tmp_path / "outrider" / "context.toml").write_text('adress = "http://portal"')
    environment = {**os.environ, "XDG_CONFIG_HOME": str(tmp_path)}
    done = subprocess.run([*PROGRAM, "status"], check=False, capture_output=True, text=True, env=environment)
    assert done.returncode == 1
    assert "context.toml: adress: unknown key; known are address, token" in done.stderr
    assert "Traceback" not in done.stderr


def test_ctrl_c_while_run_watches_ends_with_130_and_the_deployment_goes_on(command: CommandLine) -> None:
    file = command.spec()
    outcome(command, file, "hang")
    arguments = ("run", file, "-e", "stage", "--addr", str(command.settings.address))
    process = subprocess.Popen([*PROGRAM, *arguments], stderr=subprocess.PIPE, text=True)
    assert process.stderr
    while "Nomad has accepted it" not in (line := process.stderr.readline()):
        assert line, "it ended before the job was registered"
    process.send_signal(signal.SIGINT)
    rest = process.stderr.read()
    process.stderr.close()
    assert process.wait(30) == 130
    assert "the deployment goes on" in rest
    assert "Traceback" not in rest


def test_ctrl_c_ends_with_130() -> None:
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        address = f"http://127.0.0.1:{silent.getsockname()[1]}"
        process = subprocess.Popen([*PROGRAM, "status", "--addr", address], stderr=subprocess.PIPE)
        connection, _ = silent.accept()
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=30)
        connection.close()
    assert process.returncode == 130
    assert b"Traceback" not in said


@pytest.mark.parametrize(
    "words",
    [("run", "FILE", "--check-index", "9" * 30), ("rollback", "checkout", "9" * 30), ("scale", "checkout", "10001")],
)
def test_a_number_that_the_portal_would_not_take_is_a_wrong_command_line(
    command: CommandLine, words: tuple[str, ...]
) -> None:
    file = command.spec()
    result = command(*(file if word == "FILE" else word for word in words), "-e", "stage")
    assert result.exit_code == 64
    assert "Traceback" not in result.stderr
