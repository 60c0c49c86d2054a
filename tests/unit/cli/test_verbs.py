"""What the verbs print: tables for people, documents for programs, progress on the other stream."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path

import click
import httpx2
import pytest
import yaml
from click.testing import CliRunner
from fakes.command_line import CommandLine
from fakes.shown import a_deployment, a_status, an_endpoint, an_upstream_report
from pydantic_core import to_jsonable_python

from outrider.cli import views
from outrider.cli.main import outrider
from outrider.cli.process_context import ProcessContext
from outrider.operations.look.history import release_of
from outrider.settings import Terminal
from outrider.telemetry.report import Report

STAGE = ("-e", "stage")


@pytest.fixture
def deployed(command: CommandLine) -> CommandLine:
    assert command("run", command.spec(), *STAGE).exit_code == 0
    return command


def test_status_lists_all_services_of_all_environments(deployed: CommandLine) -> None:
    result = deployed("status")
    assert result.exit_code == 0
    heads, row = result.stdout.splitlines()
    assert heads.split() == ["ENVIRONMENT", "SERVICE", "STATE", "HEALTHY", "VERSION", "TEAM"]
    assert row.split() == ["stage", "checkout", "running", "1/1", "1", "storefront"]


def test_status_of_nothing_teaches_the_first_step(command: CommandLine) -> None:
    assert "outrider run" in command("status").stdout


def test_status_of_one_service_shows_its_allocations(deployed: CommandLine) -> None:
    lines = deployed("status", "checkout", *STAGE).stdout
    assert "checkout in stage" in lines
    assert re.search(r"^[0-9a-f]{8} +node-1 +running", lines, re.MULTILINE)


def test_the_same_document_comes_as_json_and_as_yaml(deployed: CommandLine) -> None:
    as_json = json.loads(deployed("status", "checkout", *STAGE, "-o", "json").stdout)
    as_yaml = yaml.safe_load(deployed("status", "checkout", *STAGE, "-o", "yaml").stdout)
    assert as_json == as_yaml
    assert as_json["service"] == "checkout"


def test_history_lists_changes_and_one_deployments_events_by_prefix(deployed: CommandLine) -> None:
    document = json.loads(deployed("history", "checkout", *STAGE, "-o", "json").stdout)
    (release,) = document["releases"]
    table = deployed("history", "checkout", *STAGE).stdout
    assert release["deployment"][:8] in table
    assert "kim" in table
    events = deployed("history", "checkout", *STAGE, "--deployment", release["deployment"][:6])
    assert "Nomad has accepted it" in events.stdout
    followed = deployed("history", "checkout", *STAGE, "--deployment", release["deployment"][:6], "--follow")
    assert followed.exit_code == 0
    assert "✓" in followed.stderr


def test_a_deployment_that_goes_on_is_under_way_as_pages_say() -> None:
    for stored, shown in {"running": "under way", "not_placed": "not placed", "waiting": "waiting"}.items():
        found = release_of(a_deployment("checkout", state=stored))
        row = list(views.releases([found]))[-1]
        assert re.search(rf"run +7 +\S+ +{shown} ", click.unstyle(row))


def test_a_server_that_does_not_answer_is_named_below_the_services() -> None:
    known = a_status("a", state="unknown", problem="Nomad at http://n did not answer")
    lines = views.services([replace(known, service=name) for name in ("a", "b")])
    assert lines[-1] == "! Nomad at http://n did not answer"
    assert len(lines) == 4


def test_a_prefix_that_nothing_has_names_what_there_is(deployed: CommandLine) -> None:
    result = deployed("history", "checkout", *STAGE, "--deployment", "zzz")
    assert result.exit_code == 1
    assert "no deployments start with 'zzz'" in result.stderr
    assert "Known are: " in result.stderr


def test_logs_are_the_bytes_of_the_task(deployed: CommandLine) -> None:
    assert deployed("logs", "checkout", *STAGE, "-n", "2").stdout.splitlines()[-2:] == ["two", "three"]
    assert "boom" in deployed("logs", "checkout", *STAGE, "--type", "stderr").stdout


def test_logs_are_a_document_for_programs_unless_they_have_no_end(deployed: CommandLine) -> None:
    result = deployed("logs", "checkout", *STAGE, "-n", "2", "-o", "json")
    assert json.loads(result.stdout) == {"lines": ["two", "three"]}
    endless = deployed("logs", "checkout", *STAGE, "--follow", "-o", "json")
    assert endless.exit_code == 64
    assert "leave out -o" in endless.stderr


def test_what_is_no_number_is_called_so(deployed: CommandLine) -> None:
    assert "'two' is not a valid number." in deployed("scale", "checkout", "two", *STAGE).stderr
    assert "is not in the range 0<=x<=10000" in deployed("scale", "checkout", "10001", *STAGE).stderr


def test_output_of_an_allocation_that_has_failed_can_be_read_after_the_good_version_came_back(
    deployed: CommandLine,
) -> None:
    file = deployed.spec("env: {A: b}\n")
    planned = json.loads(deployed("plan", file, *STAGE, "-o", "json").stdout)
    deployed.world.nomad.outcomes[planned["version_hash"]] = "crash"
    result = deployed("run", file, *STAGE)
    hint = re.search(r"`outrider (logs .*? --allocation [0-9a-f]{8} --type stderr)`", result.stderr)
    assert hint is not None
    assert "boom" in deployed(*hint[1].split()).stdout


def test_scale_and_stop_and_rollback_are_followed_to_their_verdict(deployed: CommandLine) -> None:
    assert deployed("scale", "checkout", "3", *STAGE).exit_code == 0
    assert deployed.world.nomad.count("checkout") == 3
    assert deployed("run", deployed.spec("env: {A: b}\n"), *STAGE).exit_code == 0
    assert deployed("rollback", "checkout", "1", *STAGE).exit_code == 0
    assert deployed("stop", "checkout", *STAGE).exit_code == 0
    assert deployed("status").stdout.splitlines() == ["1 stopped: outrider status --all"]
    assert deployed("status", "--all").stdout.splitlines()[1].split()[2] == "stopped"
    assert deployed("start", "checkout", *STAGE).exit_code == 0
    assert deployed("status").stdout.splitlines()[1].split()[2] == "running"


def test_a_followed_deployment_leaves_its_last_state_as_the_result(command: CommandLine) -> None:
    result = command("run", command.spec(), *STAGE, "-o", "json")
    assert json.loads(result.stdout)["state"] == "successful"
    assert "Nomad has accepted it" in result.stderr


def test_fail_keeps_the_version_before(deployed: CommandLine) -> None:
    deployed("run", deployed.spec("update: {canary: 1}\nenv: {A: b}\n"), *STAGE)
    result = deployed("fail", "checkout", *STAGE)
    assert result.exit_code == 0
    assert "failed, as asked" in result.stdout


def test_an_unknown_service_is_named_with_those_that_are_known(deployed: CommandLine) -> None:
    result = deployed("status", "chekout", *STAGE)
    assert result.exit_code == 1
    assert "stage knows no service chekout" in result.stderr
    assert "It knows: checkout." in result.stderr


def test_endpoints_put_what_three_know_side_by_side(deployed: CommandLine) -> None:
    deployed("run", deployed.spec("upstreams: {payments: {protocol: http}}\n"), *STAGE)
    agent = an_upstream_report((an_endpoint("127.0.0.1", 2001),), ())
    deployed.world.consul.add(
        "checkout", "_nomad-task-3f2a9c10-group-x", 2000, meta={"outrider_metrics": "127.0.0.1:1"}
    )
    deployed.world.consul.add("payments", "p1", 2001)
    deployed.world.sidecars.answers["127.0.0.1:1"] = Report({"payments": agent})
    row = deployed("endpoints", "checkout", *STAGE).stdout.splitlines()[1]
    assert row.split() == ["payments", "127.0.0.1:2001", "passing", "healthy", "absent", "3f2a9c10"]


def test_a_declared_edge_without_traffic_is_shown_as_one(deployed: CommandLine) -> None:
    deployed("run", deployed.spec("upstreams: {payments: {protocol: http}}\n"), *STAGE)
    row = deployed("graph", *STAGE).stdout.splitlines()[1]
    assert row.split() == ["checkout", "→", "payments", "http", "-", "-", "-", "-"]


def test_problems_of_a_spec_are_shown_at_their_line_before_anything_is_sent(command: CommandLine) -> None:
    file = command.spec("upstreams:\n  payments: {timout: 1s}\n")
    result = command("run", file, *STAGE)
    assert result.exit_code == 1
    assert f"{file}:5:14: upstreams.payments.timout" in result.stderr
    assert 'did you mean "timeout"' in result.stderr
    assert "    5 |   payments: {timout: 1s}" in result.stderr
    assert command.world.nomad.registrations == 0


def test_a_directory_is_packed_and_uploaded_by_its_content(command: CommandLine) -> None:
    (command.directory / "app").mkdir()
    (command.directory / "app" / "app.py").write_text("print('hello')")
    file = command.directory / "directory.yaml"
    file.write_text("service: hello\nrun: {command: [python3, app.py], directory: app}\n")
    assert command("run", str(file), *STAGE).exit_code == 0
    assert command("plan", str(file), *STAGE).exit_code == 0
    (command.directory / "app" / "app.py").write_text("print('bye')")
    assert command("plan", str(file), *STAGE).exit_code == 1


@pytest.mark.parametrize(
    ("terminal", "is_coloured"),
    [
        (Terminal(), False),
        (Terminal(is_colour_forced=True), True),
        (Terminal(is_colour_forced=True, is_colour_refused=True), False),
        (Terminal(is_dumb=True), False),
    ],
)
def test_colours_come_only_where_they_are_wanted(deployed: CommandLine, terminal: Terminal, is_coloured: bool) -> None:
    assert ("\x1b[" in deployed("status", terminal=terminal).stdout) == is_coloured
    assert "\x1b[" not in deployed("status", "--no-color", terminal=terminal).stdout


@pytest.mark.parametrize(
    ("words", "path"),
    [
        (("status",), "services?environment=stage"),
        (("status", "checkout"), "environments/stage/services/checkout"),
        (("endpoints", "checkout"), "environments/stage/services/checkout/endpoints"),
    ],
    ids=["status", "status of one", "endpoints"],
)
def test_data_is_the_document_that_the_api_answers(deployed: CommandLine, words: tuple[str, ...], path: str) -> None:
    knobs = "upstreams: {payments: {protocol: http, timeout: 1500ms, keep_alive: none}}\n"
    assert deployed("run", deployed.spec(knobs), *STAGE).exit_code == 0
    answer = httpx2.get(f"{deployed.settings.address.value}/api/v1/{path}")
    assert json.loads(deployed(*words, *STAGE, "-o", "json").stdout) == answer.json()


def test_a_deployment_and_its_events_are_as_data_what_the_api_answers(deployed: CommandLine) -> None:
    history = json.loads(deployed("history", "checkout", *STAGE, "-o", "json").stdout)
    base = f"{deployed.settings.address.value}/api/v1"
    here = f"{base}/environments/stage/services/checkout"
    assert history["versions"] == httpx2.get(f"{here}/versions").json()["versions"]
    assert history["releases"] == httpx2.get(f"{here}/releases").json()["releases"]
    deployment = history["releases"][0]["deployment"]
    events = httpx2.get(f"{base}/deployments/{deployment}/events", headers={"Accept": "application/json"}).json()
    assert (
        json.loads(deployed("history", "checkout", *STAGE, "--deployment", deployment, "-o", "json").stdout) == events
    )
    assert events["events"][0]["detail"]["hash"] == history["versions"][0]["hash"]


def test_a_plan_is_as_data_what_the_api_answers(deployed: CommandLine) -> None:
    file = deployed.spec("env: {A: b}\nstop: {delay: 9s}\n")
    body = {"spec": Path(file).read_text(), "file": file}
    answer = httpx2.post(f"{deployed.settings.address.value}/api/v1/environments/stage/plan", json=body).json()
    found = json.loads(deployed("plan", file, *STAGE, "--raw", "-o", "json").stdout)
    assert found == answer
    assert json.loads(deployed("plan", file, *STAGE, "-o", "json").stdout) == answer | {"raw": None}
    assert {"path": "stop.delay", "before": "5s", "after": "9s"}.items() <= found["changes"][-1].items()


def test_a_table_of_a_hostile_portal_is_plain(command: CommandLine) -> None:
    status = to_jsonable_python(a_status("checkout", description="x", team="a\x1b[2Jb", problem="\x1b]0;x\x07no"))
    transport = httpx2.MockTransport(lambda _: httpx2.Response(200, json={"services": [status]}))
    result = CliRunner().invoke(outrider, ["status", *STAGE], obj=ProcessContext(command.settings, transport))
    assert "a\ufffd[2Jb" in result.stdout
    assert "\x1b[2J" not in result.stdout
    assert "\x1b]" not in result.stdout
