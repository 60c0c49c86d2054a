"""Plans as Markdown: short, folded, never too long, and nothing in them is more than words."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from fakes.shown import a_plan, change

from outrider.cli.markdown import CUT, MOST, plan_markdown
from outrider.operations.answers.blockers import Blocker
from outrider.operations.answers.plan import Change, PlatformPart, Raw
from outrider.operations.answers.rollout import Around, Rollout, Step

GITHUB = 65_536
STEPS = (Step("replace", 1, (0, 1), 1, "health", "replaces checkout[0] to [1] one at a time"),)


def a_change(value: str) -> Change:
    return change("~", "env.A", "a", value)


def test_a_plan_is_a_heading_the_changes_the_steps_and_the_neighbours() -> None:
    plan = a_plan(
        a_change("b"),
        rollout=Rollout(STEPS, 2, 2, 1, "it ends"),
        around=Around(("cart",), (), ("a thing",), ("cart",), (), (), "no other service's documents change"),
        sidecar=(change("~", "upstreams.payments.timeout", "800ms", "300ms"),),
        places=3,
    )
    lines = plan_markdown(plan).splitlines()
    assert lines[0] == "### Changes: checkout in stage"
    assert lines[2:5] == ["```diff", "~   env.A: a → b", "```"]
    assert "- payments: timeout 800ms → 300ms" in lines
    assert "1. replaces checkout\\[0\\] to \\[1\\] one at a time" in lines
    assert "From 2 to 2 allocations, at least 1 serve meanwhile. If it fails: it ends." in lines
    assert "- Callers (cart) will notice: a thing." in lines


def test_every_place_is_folded_away() -> None:
    text = plan_markdown(a_plan(a_change("b"), raw=Raw((change("~", "x.y", 1, 2),), ())))
    assert text.count("<details>") == text.count("</details>") == 1
    assert text.index("<details>") < text.index("~   x.y: 1 → 2")


def test_a_review_comment_never_grows_beyond_what_fits() -> None:
    many = tuple(change("+", f"place.{number}", after="x" * 90) for number in range(3_000))
    for plan in (
        a_plan(a_change("b"), raw=Raw(many, many)),
        a_plan(*many),
        a_plan(a_change("b"), raw=Raw((change("+", "bootstrap", after={"a": "ü" * 90_000}),), ())),
        a_plan(a_change("b"), warnings=tuple("w" * 900 for _ in range(200))),
    ):
        text = plan_markdown(plan)
        assert len(text) <= len(text.encode()) <= MOST < GITHUB
        assert CUT in text or "…" in text
        assert text.count("<details>") == text.count("</details>")
        assert sum(line.startswith("```") for line in text.splitlines()) % 2 == 0


def test_nothing_that_somebody_wrote_is_markup() -> None:
    evil = "</details> ``` <script> | @team `x` [a](b)"
    plan = a_plan(a_change(evil), warnings=(evil,), raw=Raw((a_change("```\n~~~~\n````"),), ()))
    text = plan_markdown(plan)
    outside = _outside_of_blocks(text)
    assert "<script>" not in outside
    assert "@team" not in outside
    assert outside.count("</details>") == 1
    assert "[a](b)" not in outside


def _outside_of_blocks(text: str) -> str:
    found: list[str] = []
    fence = ""
    for line in text.splitlines():
        stripped = line.rstrip("dif")
        if fence:
            fence = "" if line == fence else fence
        elif stripped and set(stripped) == {"`"} and len(stripped) >= 3:
            fence = stripped
        else:
            found.append(line)
    assert not fence
    return "\n".join(found)


def test_states_are_told_in_the_heading() -> None:
    def head(**more: Any) -> str:
        return plan_markdown(replace(a_plan(a_change("b")), **more)).splitlines()[0]

    assert head(refusals=("no",)) == "### Refused: checkout in stage"
    assert head(failures=("no node",)) == "### No room: checkout in stage"
    assert head(has_changes=False) == "### No change: checkout in stage"
    assert head(running_version=None) == "### New service: checkout in stage"


def test_what_stops_a_plan_stands_first() -> None:
    text = plan_markdown(a_plan(a_change("b"), refusals=("no such field",), failures=("no node for checkout",)))
    assert text.splitlines()[2] == "**Cannot go**"
    assert "- Envoy refuses this: no such field" in text
    assert "- no node for checkout" in text


def test_what_comes_before_it_can_go_is_listed_with_who_lifts_it() -> None:
    blocker = Blocker("freeze", "no deploys on Friday", "ana")
    text = plan_markdown(replace(a_plan(a_change("b")), blockers=(blocker,)))
    assert "**Before this can go**\n\n- freeze: no deploys on Friday (lifted by ana)" in text


def test_the_platforms_part_is_said_too() -> None:
    part = PlatformPart(3, (change("~", "defaults.timeout", "1s", "800ms"),), is_taken=True)
    line = "platform: defaults.timeout 1s → 800ms (changed since version 3, and comes along)"
    assert line in plan_markdown(a_plan(platform=part)).splitlines()
