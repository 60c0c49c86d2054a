"""Small parts of the command line: durations, prefixes, tables, colours, the lock of `dev`, side-by-side endpoints."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import click
import pytest
from fakes.shown import (
    NOW,
    a_status,
    an_allocation,
    an_allocation_seen,
    an_endpoint,
    an_endpoints,
    an_instance,
    an_upstream_report,
)
from outrider_ground.errors import ConflictError, Problem, RemoteError, SpecError, UsageError

from outrider.cli import views
from outrider.cli.arguments import Duration, by_prefix
from outrider.cli.comparison import address_of, comparison
from outrider.cli.output import colour, table
from outrider.cli.printable import printable
from outrider.cli.problems import error_lines
from outrider.cli.watching import culprit_of, hint, line
from outrider.nomad.read.allocations import Task
from outrider.operations.answers.endpoints import SidecarView
from outrider.operations.event_details import Accepted, Counted, Detail, Ended, Resumed, Validated, Warned
from outrider.operations.events import event_of, happened
from outrider.programs.one_machine import only_one
from outrider.settings import Terminal
from outrider.telemetry.report import EnvoyEndpoint, Report, UpstreamReport

HOLDER = """
import sys, pathlib
from outrider.programs.one_machine import only_one
with only_one(pathlib.Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.read()
"""


@pytest.mark.parametrize(("text", "seconds"), [("90", 90), ("90s", 90), ("1.5m", 90), ("2h", 7200), ("500ms", 0.5)])
def test_durations_are_seconds(text: str, seconds: float) -> None:
    assert Duration().convert(text, None, None) == seconds


@pytest.mark.parametrize("text", ["soon", "-1s", "1 s", "1d", ""])
def test_what_is_no_duration_is_refused(text: str) -> None:
    with pytest.raises(click.BadParameter, match="is no duration"):
        Duration().convert(text, None, None)


def test_a_unique_prefix_is_enough_and_another_names_the_candidates() -> None:
    known = ["abc-1", "abd-2", "xyz-3"]
    assert by_prefix("x", known, "deployment") == "xyz-3"
    with pytest.raises(UsageError, match="2 deployments start with 'ab'") as raised:
        by_prefix("ab", known, "deployment")
    assert raised.value.next_step == "Known are: abc-1, abd-2."


def test_columns_are_as_wide_as_their_widest_cell_and_nothing_is_a_dash() -> None:
    lines = [click.unstyle(line) for line in table(("A", "LONG HEAD"), [("wide cell", None), ("b", 7)])]
    assert lines == ["A          LONG HEAD", "wide cell  -", "b          7"]


def test_a_refusal_of_colours_wins_over_a_wish() -> None:
    assert colour(Terminal(is_colour_forced=True), is_refused=True) is False
    assert colour(Terminal(is_colour_forced=True, is_dumb=True), is_refused=False) is True
    assert colour(Terminal(), is_refused=False) is None


def test_a_problem_shows_its_line_with_a_caret_but_never_control_characters(tmp_path: Path) -> None:
    file = tmp_path / "a.yaml"
    file.write_text("one: 1\n\x1b[31mtwo: 2\n")
    first, second = Problem("one", "wrong", None, str(file), 1, 6), Problem("two", "wrong", None, str(file), 2, 1)
    lines = [click.unstyle(line) for line in error_lines(SpecError((first, second)))]
    assert lines == [
        f"{file}:1:6: one: wrong",
        "    1 | one: 1",
        "      |      ^",
        f"{file}:2:1: two: wrong",
        "2 problems.",
    ]


def test_an_error_is_followed_by_its_next_step() -> None:
    lines = [click.unstyle(line) for line in error_lines(RemoteError("it is away", next_step="Look."))]
    assert lines == ["Error: it is away", "Look."]


def test_a_second_dev_in_the_same_directory_is_refused_with_the_firsts_process(tmp_path: Path) -> None:
    first = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert first.stdout
    assert first.stdout.readline() == "held\n"
    with pytest.raises(ConflictError, match=f"as process {first.pid}") as raised, only_one(tmp_path):
        pass
    assert f"kill {first.pid}" in (raised.value.next_step or "")
    first.kill()
    first.communicate()
    with only_one(tmp_path):
        assert (tmp_path / "dev.pid").read_text() == str(os.getpid())


def a_view(instance: str, report: UpstreamReport | None, problem: str | None = None) -> SidecarView:
    return SidecarView(instance, "m:1", Report({"payments": report} if report else {}), problem)


def test_endpoints_that_nobody_could_be_asked_about_are_question_marks() -> None:
    away = a_view("_nomad-task-3f2a9c10-1111-group-x", None, "it is away")
    rows = [
        tuple(row.values())
        for row in comparison(an_endpoints({"payments": (an_instance("10.0.0.1:80"),), "catalog": ()}, away))
    ]
    assert rows == [
        ("payments", "10.0.0.1:80", "passing", "?", "?", "3f2a9c10"),
        ("catalog", "", "absent", "?", "?", "3f2a9c10"),
    ]


def test_without_any_sidecar_consul_alone_is_shown() -> None:
    (row,) = comparison(an_endpoints({"payments": (an_instance("10.0.0.1:80"),)}))
    assert tuple(row.values()) == ("payments", "10.0.0.1:80", "passing", "?", "?", "")


def test_an_address_that_only_envoy_has_is_seen() -> None:
    report = an_upstream_report((), (EnvoyEndpoint("10.0.0.9:80", "healthy"),))
    (row,) = comparison(an_endpoints({"payments": ()}, a_view("i", report)))
    assert (row["address"], row["consul"], row["agent"], row["envoy"]) == ("10.0.0.9:80", "absent", "absent", "healthy")


@pytest.mark.parametrize("form", ["[fd00::5]:80", "fd00::5:80", "[FD00:0:0::5]:80", "[fd00:0:0:0:0:0:0:5]:80"])
def test_an_ipv6_address_is_one_row_however_it_is_written(form: str) -> None:
    report = an_upstream_report((an_endpoint("fd00:0::5", 80),), (EnvoyEndpoint("[fd00::5]:80", "healthy"),))
    (row,) = comparison(an_endpoints({"payments": (an_instance(form),)}, a_view("i", report)))
    assert tuple(row.values())[1:5] == ("[fd00::5]:80", "passing", "healthy", "healthy")


@pytest.mark.parametrize(
    ("written", "address"),
    [
        ("[::ffff:10.0.0.1]:80", "10.0.0.1:80"),
        ("10.0.0.1:80", "10.0.0.1:80"),
        ("pay.example:80", "pay.example:80"),
        ("::1:80", "[::1]:80"),
    ],
)
def test_an_address_is_written_in_one_way(written: str, address: str) -> None:
    assert address_of(written) == address


def test_an_upstream_of_which_consul_says_nothing_is_unknown_and_not_absent() -> None:
    view = a_view("i", an_upstream_report((an_endpoint("10.0.0.9", 80),)))
    booked = {"payments": (an_instance("10.0.0.1:80", "unknown"),)}
    found = comparison(an_endpoints(booked, view, unknown=("payments",)))
    rows = [(row["address"], row["consul"], row["agent"]) for row in found]
    assert rows == [("10.0.0.1:80", "?", "absent"), ("10.0.0.9:80", "?", "healthy")]


def test_services_of_a_nomad_that_is_away_are_unknown_and_not_none_of_none() -> None:
    one = a_status("pay", state="unknown", healthy=None, count=None)
    assert "unknown  unknown" in click.unstyle(views.services([one])[1])


def test_a_pending_task_says_under_its_allocation_what_it_waits_for() -> None:
    task = Task("app", "pending", failed=False, restarts=0, text="", reason="x", unread="waits for Consul key a")
    one = replace(an_allocation(1, healthy=None), id="3f2a9c10-1111", tasks=(task,))
    found = a_status("pay", state="deploying", allocations=(one,))
    assert "! 3f2a9c10: app waits for Consul key a" in [click.unstyle(line) for line in views.service(found)]


def test_text_from_outside_cannot_steer_the_terminal() -> None:
    hostile = "gone\x1b[2J\x07\r\nnext\tcell"
    assert printable(hostile) == "gone\ufffd[2J\ufffd\ufffd\nnext\tcell"
    event = happened(1, NOW, hostile, Warned())
    shown = [*table(("A",), [(hostile,)]), line(event), *error_lines(RemoteError(hostile))]
    assert "\x1b[2J" not in "".join(shown)
    assert "\x07" not in "".join(shown)


@pytest.mark.parametrize(("culprit", "task"), [("envoy", " --task envoy"), ("gate", " --task gate"), (None, "")])
def test_look_closer_names_the_task_whose_output_tells_more(culprit: str | None, task: str) -> None:
    seen = happened(1, NOW, "", an_allocation_seen(healthy=False, culprit=culprit))
    ended = happened(2, NOW, "", Ended("failed", placed=True, reason=""))
    assert hint("checkout -e stage", culprit_of([seen, ended])) == (
        f"Look closer: `outrider logs checkout -e stage --allocation 3f2a9c10{task} --type stderr`, "
        "`outrider status checkout -e stage`."
    )


@pytest.mark.parametrize(
    ("detail", "shape"),
    [
        (Accepted("run", "ada"), "•"),
        (Validated(), "✓"),
        (Counted(), "·"),
        (an_allocation_seen(healthy=True), "✓"),
        (an_allocation_seen(healthy=None), "·"),
        (an_allocation_seen(healthy=False), "✗"),
        (Warned(), "!"),
        (Resumed(), "↻"),
        (Ended("successful", placed=True, reason=""), "✓"),
        (Ended("not_placed", placed=False, reason=""), "✗"),
    ],
)
def test_an_event_is_a_line_with_its_sign(detail: Detail, shape: str) -> None:
    assert click.unstyle(line(happened(1, NOW, "it moves", detail))).split("  ")[1] == f"{shape} it moves"


def test_an_event_of_a_newer_portal_is_a_line_all_the_same() -> None:
    event = event_of({"number": 4, "at": NOW, "kind": "shiny", "message": "it shines", "detail": {"how": "much"}})
    assert click.unstyle(line(event)).endswith("  · it shines")
