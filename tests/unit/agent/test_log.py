"""The log: whoever says something goes on at once, whether somebody reads or not."""

from __future__ import annotations

import os
import select
import time
from collections.abc import Generator
from pathlib import Path

import pytest
from outrider_agent.log import LONGEST_LINE, MOST_LINES, Log

PIPE = 65536  # what a pipe holds that nobody reads

Pipe = tuple[int, int]


@pytest.fixture
def pipe() -> Generator[Pipe]:
    ends = os.pipe()
    yield ends
    for end in ends:
        os.close(end)


def taken(reader: int, until: str) -> list[str]:
    """Lines, up to the one that ends so."""
    found = ""
    while not found.endswith(f"{until}\n"):
        assert select.select([reader], [], [], 10)[0], found[-200:]
        found += os.read(reader, PIPE).decode()
    return found.splitlines()


def test_a_line_is_written(pipe: Pipe) -> None:
    log = Log(pipe[1])
    log.say("one")
    log.say("two \ud800")
    log.finish(5.0)
    assert os.read(pipe[0], PIPE) == b"outrider-agent: one\noutrider-agent: two \\ud800\n"


def test_a_reader_that_does_not_read_holds_nobody_up_and_what_it_missed_is_counted(pipe: Pipe) -> None:
    log = Log(pipe[1])
    os.write(pipe[1], b"x" * (PIPE - 1) + b"\n")
    for number in range(MOST_LINES + 50):
        log.say(f"line {number}")
    log.finish(0.1)
    lines = taken(pipe[0], "nobody took them")
    told = [line.removeprefix("outrider-agent: ") for line in lines[1:]]
    written = [line for line in told if line.startswith("line ")]
    assert written == [f"line {number}" for number in range(len(written))], "in their order, and none twice"
    assert MOST_LINES <= len(written) <= MOST_LINES + 1
    assert told[len(written) :] == [f"{MOST_LINES + 50 - len(written)} lines are missing here: nobody took them"]
    log.say("and on")
    assert taken(pipe[0], "and on") == ["outrider-agent: and on"]


def test_a_pipe_that_somebody_made_non_blocking_is_written_all_the_same(pipe: Pipe) -> None:
    log = Log(pipe[1])
    os.set_blocking(pipe[1], False)
    os.write(pipe[1], b"x" * (PIPE - 1) + b"\n")
    log.say("after it")
    log.finish(0.1)
    assert taken(pipe[0], "after it")[1:] == ["outrider-agent: after it"]


def test_a_line_that_cannot_be_written_is_counted_and_told_with_the_next(tmp_path: Path) -> None:
    """Such as on a full disk; /dev/full is one."""
    descriptor = os.open("/dev/full", os.O_WRONLY)
    log = Log(descriptor)
    for _ in range(3):
        log.say("lost")
        log.finish(5.0)
    file = os.open(tmp_path / "log", os.O_WRONLY | os.O_CREAT)
    os.dup2(file, descriptor)
    log.say("kept")
    log.finish(5.0)
    os.close(descriptor)
    os.close(file)
    assert (tmp_path / "log").read_text().splitlines() == [
        "outrider-agent: kept",
        "outrider-agent: 3 lines are missing here: nobody took them",
    ]


def test_a_closed_descriptor_and_a_reader_that_has_gone_cost_nothing() -> None:
    reader, writer = os.pipe()
    os.close(reader)
    for descriptor in (-1, writer):
        log = Log(descriptor)
        log.say("to nobody")
        log.finish(5.0)
        before = time.process_time()
        time.sleep(0.3)
        assert time.process_time() - before < 0.2, "it does not try on and on"
    os.close(writer)


def test_a_line_is_bounded(pipe: Pipe) -> None:
    log = Log(pipe[1])
    log.say("x" * 3 * LONGEST_LINE)
    log.finish(5.0)
    assert len(os.read(pipe[0], PIPE)) == LONGEST_LINE + len("outrider-agent: \n")
