"""A plan's lines: signs, values as the spec writes them, and of a new service only what its file states."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click
from fakes.shown import a_plan, change, part

from outrider.cli.changes import Asked, Packed, plan_lines
from outrider.operations.answers.plan import Plan, PlatformPart

FILE = Path("shop/checkout.yaml")


def lines(plan: Plan, text: str = "service: checkout\n", file: Path = FILE, **more: Any) -> list[str]:
    return [click.unstyle(line) for line in plan_lines(plan, Asked(file, text, **more))]


def test_signs_say_what_is_added_removed_and_changed() -> None:
    plan = a_plan(
        change("+", "env.A", after="b", note="replaces allocations"),
        change("-", "env.B", before="c"),
        change("~", "upstreams.payments.timeout", "800ms", "5s"),
    )
    assert lines(plan)[:3] == [
        "+   env.A: b  (replaces allocations)",
        "-   env.B: c",
        "~   upstreams.payments.timeout: 800ms → 5s",
    ]


def test_the_last_line_is_the_command_that_deploys_exactly_this_plan() -> None:
    assert lines(a_plan(change("+", "env.A", after="b")))[-1].endswith(
        "outrider run --check-index 42 -e stage shop/checkout.yaml"
    )


def test_a_plan_without_changes_offers_no_command() -> None:
    said, version = lines(a_plan(service_part=part("a1", "a1")))
    assert said == "No change: checkout in stage already runs this."
    assert version == "version: service a1 (unchanged), sidecar b1 (unchanged)"


def test_a_sidecar_that_stays_is_said_with_what_todays_would_change_and_how_to_get_it() -> None:
    found = lines(a_plan(older=("agent.Templates", "envoy.Config")))
    assert found[1] == "version: service a1 → a2, sidecar b1 (unchanged)"
    assert found[2] == (
        "· the sidecar stays as it runs; today's (b2) is another in agent.Templates, envoy.Config. "
        "`outrider redeploy checkout -e stage` brings it up."
    )


def test_of_a_new_service_both_parts_are_new() -> None:
    new = {"service_part": part(None, "a2"), "sidecar_part": part(None, "b1")}
    assert "version: service a2 (new), sidecar b1 (new)" in lines(a_plan(change("+", "service"), running=None, **new))


def test_a_new_service_shows_what_its_file_states_for_this_environment() -> None:
    text = "service: checkout\nenvironments: {stage: {count: 2}, production: {team: x}}\nrun: {command: [a]}\n"
    new = [change("+", path, after=1) for path in ("service", "mesh", "count", "team", "run.command")]
    shown = lines(a_plan(*new, running=None), text)
    assert shown[0] == "checkout is new in stage:"
    assert [line.split()[1] for line in shown[1:4]] == ["service:", "count:", "run.command:"]


def test_remarks_are_told_and_a_refused_plan_has_no_command() -> None:
    plan = a_plan(
        change("+", "env.A", after="b"),
        warnings=("a port is fixed",),
        without_effect=("tracing",),
        failures=("no node for checkout",),
        refusals=("no such field",),
    )
    text = "\n".join(lines(plan))
    assert "! a port is fixed" in text
    assert "no effect yet: tracing" in text
    assert "✗ no node for checkout" in text
    assert "✗ Envoy refuses this: no such field" in text
    assert "--check-index" not in text


def test_a_version_that_is_tried_again_is_said_with_its_reason() -> None:
    plan = a_plan(retry="version 1 is registered, but its last deployment failed: crash", has_changes=True)
    found = lines(plan)
    assert found[0].startswith("checkout in stage: version 1 is registered, but its last deployment failed: crash")
    assert found[-1].endswith("outrider run --check-index 42 -e stage shop/checkout.yaml")


def test_to_deploy_exactly_this_over_a_foreign_job_takes_it_over_in_so_many_words() -> None:
    assert lines(a_plan(change("+", "env.A", after="b"), is_foreign=True))[-1].endswith(
        "outrider run --check-index 42 --take-over -e stage shop/checkout.yaml"
    )


def test_to_deploy_exactly_a_plan_with_todays_sidecar_asks_for_it_again() -> None:
    plan = a_plan(change("+", "env.A", after="b"))
    last = lines(plan, file=Path("a b/x.yaml"), renews=True)[-1]
    assert last.endswith("outrider run --check-index 42 --redeploy -e stage 'a b/x.yaml'")


def test_a_plan_says_what_goes_into_the_directory_and_which_specs_do_not() -> None:
    packed = Packed(3, 2_400_000, 1_500, ("a.yaml", "b.yaml"))
    said = lines(a_plan(change("+", "env.A", after="b")), packed=packed)
    assert "run.directory: 3 files, 2.4 MB, packed 1.5 kB; without the specs a.yaml, b.yaml" in said
    bare = lines(a_plan(change("+", "a")), packed=Packed(1, 12, 90, ()))
    assert "run.directory: 1 files, 12 B, packed 90 B" in bare


TIMEOUT = (change("~", "defaults.timeout", "1s", "800ms"), change("+", "tracing.sampling", after=5))


def test_the_platforms_part_stands_beside_the_specs_with_whether_it_comes_along() -> None:
    for part_, said in (
        (PlatformPart(3), "platform: the file says for this service what it said for version 3"),
        (
            PlatformPart(3, TIMEOUT, is_taken=True),
            "1s → 800ms, tracing.sampling 5 (new) (changed since version 3, and comes along)",
        ),
        (PlatformPart(3, TIMEOUT), "(changed since version 3, and does not come along: see below)"),
        (PlatformPart(3, TIMEOUT, is_taken=True, is_without_effect=True), "without effect on this service)"),
        (PlatformPart(3, is_known=False), "version 3 is not known: an older Outrider stored it"),
    ):
        (line,) = [one for one in lines(a_plan(platform=part_)) if one.startswith("platform: ")]
        assert line.endswith(said)
