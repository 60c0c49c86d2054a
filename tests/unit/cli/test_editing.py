"""connect, disconnect and pull: shown as a diff, written with every comment kept, deployed on a yes."""

from __future__ import annotations

import contextlib
import json
from pathlib import Path

import pytest
from fakes.command_line import CommandLine
from outrider_ground.errors import ConflictError

from outrider.cli.own_file import own_file

STAGE = ("-e", "stage")
PAYMENTS = "service: payments\nteam: money\nrun: {command: [/usr/bin/payments]}\n"
SESSIONS = "service: sessions\nprotocol: redis\nrun: {command: [redis-server]}\n"
FILE = """\
# Takes orders.
service: checkout   # its name
run: {command: [/usr/bin/checkout]}
count: 1  # enough
"""


@pytest.fixture
def shop(command: CommandLine) -> CommandLine:
    """checkout, payments and a redis run; checkout's file has comments."""
    for name, text in (("payments", PAYMENTS), ("sessions", SESSIONS), ("outrider", FILE)):
        file = command.directory / f"{name}.yaml"
        file.write_text(text)
        result = command("run", str(file), *STAGE)
        assert result.exit_code == 0, result.stderr
    return command


def file_of(shop: CommandLine) -> Path:
    return shop.directory / "outrider.yaml"


def running(shop: CommandLine, service: str = "checkout") -> dict[str, object]:
    return json.loads(shop("status", service, *STAGE, "-o", "json").stdout)


def test_without_a_yes_a_connection_is_shown_and_nothing_is_done(shop: CommandLine) -> None:
    result = shop("connect", "checkout", "payments", "--timeout", "800ms", "--file", str(file_of(shop)), *STAGE)
    assert result.exit_code == 3
    assert "+upstreams:\n+  payments: {timeout: 800ms}" in result.stdout
    assert "upstreams.payments" in result.stdout, "the plan too"
    assert "--yes" in result.stderr
    assert file_of(shop).read_text() == FILE
    assert running(shop)["version"] == 1


def test_on_a_yes_it_is_written_into_the_file_with_its_comments_and_deployed(shop: CommandLine) -> None:
    before = running(shop, "payments")["allocations"]
    result = shop(
        "connect", "checkout", "payments", "--timeout", "800ms", "--file", str(file_of(shop)), "--yes", *STAGE
    )
    assert result.exit_code == 0, result.stderr
    due = FILE.replace("count: 1", "upstreams:\n  payments: {timeout: 800ms}\ncount: 1")
    assert file_of(shop).read_text() == due
    assert set(running(shop)["upstreams"]) == {"payments"}  # type: ignore[call-overload]
    assert running(shop, "payments")["allocations"] == before, "the callee is not touched"


def test_disconnecting_gives_the_file_back_as_it_was(shop: CommandLine) -> None:
    file = ("--file", str(file_of(shop)), "--yes", *STAGE)
    assert shop("connect", "checkout", "payments", "--retries", "2", *file).exit_code == 0
    result = shop("disconnect", "checkout", "payments", *file)
    assert result.exit_code == 0, result.stderr
    assert file_of(shop).read_text() == FILE
    assert running(shop)["upstreams"] == {}
    again = shop("disconnect", "checkout", "payments", *file)
    assert (again.exit_code, again.stdout.strip()) == (
        0,
        f"Nothing to do: checkout does not call payments, says {file_of(shop)}.",
    )


def test_a_file_here_is_found_by_its_service_and_another_s_is_left_alone(shop: CommandLine) -> None:
    with contextlib.chdir(shop.directory):
        result = shop("connect", "checkout", "payments", "--yes", *STAGE)
        assert "payments: {}" in file_of(shop).read_text()
        other = shop("connect", "payments", "checkout", *STAGE)
        assert other.stdout.startswith("payments.yaml:")
    assert result.exit_code == 0
    wrong = shop("connect", "payments", "sessions", "--file", str(file_of(shop)), *STAGE)
    assert wrong.exit_code == 1
    assert "is the file of checkout, not of payments" in wrong.stderr


def test_without_a_file_the_text_of_the_version_that_runs_is_changed(shop: CommandLine) -> None:
    shown = shop("connect", "checkout", "payments", "--stored", *STAGE)
    assert shown.exit_code == 3
    assert f"outrider pull checkout FILE {' '.join(STAGE)}" in shown.stderr
    result = shop("connect", "checkout", "payments", "--limit", "5", "--stored", "--yes", *STAGE)
    assert result.exit_code == 0, result.stderr
    assert file_of(shop).read_text() == FILE, "no file is changed"
    version = running(shop)["version"]
    listed = json.loads(shop("history", "checkout", *STAGE, "-o", "json").stdout)
    newest = next(one for one in listed["versions"] if one["number"] == version)
    assert newest["source"]["kind"] == "edit"
    assert newest["source"]["edit"] == "connect payments (limit 5)"


def test_knobs_of_a_callee_change_and_go_back_to_their_default(shop: CommandLine) -> None:
    file = ("--file", str(file_of(shop)), "--yes", *STAGE)
    assert shop("connect", "checkout", "payments", "--timeout", "1s", *file).exit_code == 0
    assert shop("connect", "checkout", "payments", "--timeout", "2s", "--limit", "7", *file).exit_code == 0
    assert "  payments: {timeout: 2s, limit: 7}\n" in file_of(shop).read_text()
    same = shop("connect", "checkout", "payments", "--limit", "7", *file)
    assert (same.exit_code, "calls payments already, with these knobs" in same.stdout) == (0, True)
    assert shop("connect", "checkout", "payments", "--limit", "default", *file).exit_code == 0
    assert "  payments: {timeout: 2s}\n" in file_of(shop).read_text()


def test_a_connection_of_one_environment_is_written_as_its_difference(shop: CommandLine) -> None:
    result = shop(
        "connect", "checkout", "payments", "--environment-only", "--file", str(file_of(shop)), "--yes", *STAGE
    )
    assert result.exit_code == 0, result.stderr
    assert file_of(shop).read_text() == FILE + "environments:\n  stage:\n    upstreams:\n      payments: {}\n"
    assert "other" not in result.stderr


REFUSED: tuple[tuple[tuple[str, ...], tuple[str, ...]], ...] = (
    (("paymets",), ("no service paymets is known here", 'did you mean "payments"')),
    (("checkout",), ("checkout cannot be connected to itself",)),
    (("sessions", "--retries", "2"), ("--retries: has no effect: sessions speaks redis",)),
    (("sessions", "--stream"), ("--stream: has no effect",)),
    (("payments", "--timeout", "3"), ("--timeout: needs to be a duration such as 800ms",)),
    (("payments", "--timeout", "1s", "--stream"), ("--timeout: has no effect: stream: true means",)),
    (("payments", "--limit", "0"), ("--limit:",)),
    (("payments", "--tls"), ("--tls: is for services outside Consul only",)),
    (("payments", "--protocol", "grpc"), ("--protocol: is grpc, but payments speaks http",)),
    (("payments", "--protocol", "smtp"), ("--protocol:",)),
    (("Payments!",), ("Payments!",)),
)


@pytest.mark.parametrize("where", ["file", "stored"])
def test_what_cannot_be_is_said_in_the_words_of_the_command(shop: CommandLine, where: str) -> None:
    target = ("--stored",) if where == "stored" else ("--file", str(file_of(shop)))
    for arguments, said in REFUSED:
        result = shop("connect", "checkout", *arguments, *target, "--yes", *STAGE)
        assert result.exit_code == 1, arguments
        for words in said:
            assert words in result.stderr, arguments
        assert file_of(shop).read_text() == FILE


def test_a_connection_is_told_as_data(shop: CommandLine) -> None:
    shown = shop("connect", "checkout", "payments", "--stored", *STAGE, "-o", "json")
    document = json.loads(shown.stdout)
    assert shown.exit_code == 3
    assert "+  payments: {}" in document["diff"]
    assert document["plan"]["has_changes"] is True
    done = shop("connect", "checkout", "payments", "--stored", "--yes", *STAGE, "-o", "json")
    assert json.loads(done.stdout)["state"] == "successful"


def test_what_was_edited_elsewhere_is_pulled_into_the_file_with_its_comments(shop: CommandLine) -> None:
    assert shop("connect", "checkout", "payments", "--timeout", "300ms", "--stored", "--yes", *STAGE).exit_code == 0
    own = FILE.replace("count: 1  # enough\n", "count: 1  # enough\nenvironments:\n  production: {count: 4}\n")
    file_of(shop).write_text(own)
    shown = shop("pull", "checkout", str(file_of(shop)), *STAGE)
    assert shown.exit_code == 3
    assert "+  payments: {timeout: 300ms}" in shown.stdout
    assert file_of(shop).read_text() == own
    result = shop("pull", "checkout", str(file_of(shop)), "--yes", *STAGE)
    assert result.exit_code == 0, result.stderr
    assert file_of(shop).read_text() == own.replace("count: 1", "upstreams:\n  payments: {timeout: 300ms}\ncount: 1", 1)
    again = shop("pull", "checkout", str(file_of(shop)), "--yes", *STAGE)
    assert again.stdout.strip() == "Nothing to do: version 2 of checkout is what the file says."
    plan = shop("plan", str(file_of(shop)), *STAGE)
    assert plan.exit_code == 0, "what was pulled is what runs"


def test_a_spec_is_pulled_into_a_new_file_as_the_version_has_it(shop: CommandLine) -> None:
    fresh = shop.directory / "fresh.yaml"
    assert shop("pull", "checkout", str(fresh), *STAGE).exit_code == 3
    assert not fresh.exists()
    assert shop("pull", "checkout", str(fresh), "--yes", *STAGE).exit_code == 0
    assert fresh.read_text() == FILE


def test_a_file_that_changes_while_a_person_thinks_is_not_overwritten(shop: CommandLine) -> None:
    own = own_file("checkout", file_of(shop))
    assert own is not None
    file_of(shop).write_text(FILE + "# more\n")
    with pytest.raises(ConflictError):
        own.write("x")
    assert file_of(shop).read_text() == FILE + "# more\n"


def test_a_written_file_keeps_its_mode_and_stays_a_link(shop: CommandLine) -> None:
    link = shop.directory / "linked.yaml"
    file_of(shop).chmod(0o640)
    link.symlink_to(file_of(shop))
    assert shop("connect", "checkout", "payments", "--file", str(link), "--yes", *STAGE).exit_code == 0
    assert link.is_symlink()
    assert "payments" in file_of(shop).read_text()
    assert file_of(shop).stat().st_mode & 0o777 == 0o640


def test_a_run_that_would_undo_an_edit_made_elsewhere_is_stopped_and_says_whose(shop: CommandLine) -> None:
    stored = ("--stored", "--yes", *STAGE)
    assert shop("connect", "checkout", "payments", "--timeout", "300ms", *stored, user="ana").exit_code == 0
    file = str(file_of(shop))
    shown = shop("plan", file, *STAGE, "-o", "json")
    (blocker,) = json.loads(shown.stdout)["blockers"]
    assert blocker["name"] == "edited"
    assert blocker["reason"].startswith("undoes payments timeout 300ms, by ana, today at")
    assert "(connect payments (timeout 300ms))" in blocker["reason"]
    stopped = shop("run", file, *STAGE)
    assert stopped.exit_code == 1
    assert "undoes payments timeout 300ms, by ana" in stopped.stderr
    assert "outrider pull checkout FILE -e stage" in stopped.stderr
    assert running(shop)["version"] == 2
    passed = shop("run", file, *STAGE, "--override", "edited", "--reason", "the file is right")
    assert passed.exit_code == 0, passed.stderr
    assert running(shop)["upstreams"] == {}
    assert shop("plan", file, *STAGE).exit_code == 0, "what was undone on purpose is not held up again"


def test_a_run_of_a_file_that_has_pulled_or_touches_other_fields_is_not_stopped(shop: CommandLine) -> None:
    file = str(file_of(shop))
    assert shop("connect", "checkout", "payments", "--timeout", "300ms", "--stored", "--yes", *STAGE).exit_code == 0
    assert shop("pull", "checkout", file, "--yes", *STAGE).exit_code == 0
    file_of(shop).write_text(file_of(shop).read_text() + "team: orders\n")
    result = shop("run", file, *STAGE)
    assert result.exit_code == 0, result.stderr
    assert shop("connect", "checkout", "payments", "--limit", "5", "--stored", "--yes", *STAGE).exit_code == 0
    file_of(shop).write_text(file_of(shop).read_text().replace("300ms", "400ms"))
    stopped = shop("run", file, *STAGE)
    assert "undoes payments limit 5" in stopped.stderr
    assert "timeout" not in stopped.stderr, "that is the file's own change"
