"""`outrider exec` at a portal over simulators: pipes, codes, the way out, and how it stands in the history."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import pytest
from fakes.command_line import CommandLine

from outrider.cli.exec_lines import exec_lines
from outrider.cli.terminal import Escape, chunks
from outrider.operations.exec_records import Exec


@pytest.fixture
def deployed(command: CommandLine) -> CommandLine:
    assert command("run", "-e", "stage", command.spec("mesh: false\nport: none\n")).exit_code == 0
    return command


@pytest.mark.parametrize("code", [0, 1, 7, 255])
def test_the_exit_code_is_that_of_the_command(deployed: CommandLine, code: int) -> None:
    found = deployed("exec", "-e", "stage", "checkout", "--", "code", str(code))
    assert found.exit_code == code
    assert (found.stdout, found.stderr) == ("", "so it ends\n")


def test_a_code_that_no_program_has_is_none(deployed: CommandLine) -> None:
    assert deployed("exec", "-e", "stage", "checkout", "--", "code", "256").exit_code == 255
    assert deployed("exec", "-e", "stage", "checkout", "--", "code", "-1").exit_code == 255


def test_words_reach_it_as_they_stand(deployed: CommandLine) -> None:
    deployed("exec", "-e", "stage", "checkout", "--task", "app", "--", "code", "0", "--task", "-x", "a b", "ä")
    assert deployed.world.nomad.commands[-1].words == ("code", "0", "--task", "-x", "a b", "ä")


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (("checkout", "--", "nosuch"), 255, "there is no program nosuch for task app"),
        (("nosuch",), 255, "stage knows no service nosuch"),
        (("checkout", "--task", "nosuch"), 255, "has no task nosuch"),
        (("checkout", "--allocation", "ffff"), 255, "has no allocation ffff"),
        (("checkout", "--", "x" * 7_000), 255, "sh -s < FILE"),
        (("checkout", "-o", "json", "--", "code", "0"), 64, "leave out -o"),
        ((), 64, "Missing argument"),
    ],
)
def test_what_does_not_run_has_a_code_of_its_own(
    deployed: CommandLine, arguments: Sequence[str], code: int, said: str
) -> None:
    found = deployed("exec", "-e", "stage", *arguments)
    assert found.exit_code == code
    assert said in found.stderr
    assert found.stdout == ""


def test_a_portal_that_is_not_there_is_255(command: CommandLine) -> None:
    found = command("exec", "-e", "stage", "--addr", "http://127.0.0.1:1", "checkout")
    assert found.exit_code == 255
    assert "cannot be reached" in found.stderr


def test_the_history_shows_what_was_run(deployed: CommandLine) -> None:
    deployed("exec", "-e", "stage", "checkout", "--", "code", "3", "a b")
    deployed("exec", "-e", "stage", "checkout", "--", "nosuch")
    shown = deployed("history", "-e", "stage", "checkout").stdout
    head = next(line for line in shown.splitlines() if line.startswith("COMMAND RUN"))
    newest, oldest = shown.splitlines()[shown.splitlines().index(head) + 1 :][:2]
    assert "  kim  " in newest
    assert "  app   none  nosuch (there is no program nosuch" in newest
    assert "code 3 'a b'" in oldest
    found = json.loads(deployed("history", "-e", "stage", "checkout", "-o", "json").stdout)
    assert [one["exit_code"] for one in found["execs"]] == [None, 3]


def test_a_history_without_commands_says_nothing_of_them(deployed: CommandLine) -> None:
    assert "COMMAND RUN" not in deployed("history", "-e", "stage", "checkout").stdout


def an_exec(**more: object) -> Exec:
    at = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
    known: dict[str, object] = {"command": ("env",), "ended_at": at, "exit_code": 0, **more}
    return Exec("1", "stage", "checkout", "3f2a91c0-1", "app", has_terminal=False, by="kim", at=at, **known)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("one", "said"),
    [
        (an_exec(), "0     env"),
        (an_exec(ended_at=None, exit_code=None), "open  env"),
        (an_exec(exit_code=None, reason="hung up"), "none  env (hung up)"),
        (an_exec(command=("sh", "-c", "x" * 100)), f"0     sh -c {'x' * 65}…"),
        (an_exec(command=("sh", "-c", "a\nb\x1b[31m")), "0     sh -c 'a b"),
    ],
)
def test_a_command_is_one_line(one: Exec, said: str) -> None:
    _, _, line = exec_lines([one])
    assert said in line
    assert "\x1b[31m" not in line
    assert "\n" not in line


@pytest.mark.parametrize(
    ("typed", "passed", "hangs_up"),
    [
        ([b"ls\r"], b"ls\r", False),
        ([b"~."], b"", True),
        ([b"ls\r~."], b"ls\r", True),
        ([b"ls\n~", b"."], b"ls\n", True),
        ([b"a~."], b"a~.", False),
        ([b"~~."], b"~.", False),
        ([b"~~", b"\r~."], b"~\r", True),
        ([b"~", b"a"], b"~a", False),
        ([b"~a~."], b"~a~.", False),
        ([b"~\r~."], b"~\r", True),
    ],
)
def test_a_tilde_and_a_dot_at_the_beginning_of_a_line_hang_up(
    typed: list[bytes], passed: bytes, hangs_up: bool
) -> None:
    escape = Escape()
    found = [escape.passed(one) for one in typed]
    assert b"".join(one for one, _ in found) == passed
    assert any(one for _, one in found) is hangs_up


async def read(file: int) -> bytes:
    async with asyncio.timeout(20):
        return b"".join([one async for one in chunks(file)])


async def test_input_comes_from_pipes_files_and_nothing(tmp_path: Path) -> None:
    reader, writer = os.pipe()
    os.write(writer, b"piped")
    os.close(writer)
    assert await read(reader) == b"piped"
    os.close(reader)
    (tmp_path / "file").write_bytes(b"x" * 100_000)
    for path, content in ((tmp_path / "file", b"x" * 100_000), (Path(os.devnull), b"")):
        file = os.open(path, os.O_RDONLY)
        assert await read(file) == content
        os.close(file)


async def test_a_terminal_that_is_gone_is_the_end_of_the_input() -> None:
    master, slave = os.openpty()
    os.close(master)
    assert await read(slave) == b""
    os.close(slave)
