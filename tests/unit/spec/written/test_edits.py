"""Edits of a person's file: styles, comments, anchors, breaks; and what cannot be kept is said."""

from __future__ import annotations

from typing import Any

import pytest
from outrider_ground.errors import SpecError

from outrider.spec.written.edits import GONE, Edit, edited
from outrider.spec.written.merge import edits_between, pulled

FILE = """\
# Takes orders.
service: checkout   # its name
run: {image: "x:1"}

# whom it calls
upstreams:
  # the catalogue
  catalog: {}       # fine

  payments: {timeout: 800ms, retries: 2}
checks:
- http: /healthz
  interval: 5s
environments:
  stage: {count: 1}
"""


def after(text: str, path: str, value: Any) -> str:
    return edited(text, [Edit(tuple(path.split(".")), value)], "outrider.yaml").text


def test_a_new_callee_stands_below_the_others_as_people_write_it() -> None:
    assert after(FILE, "upstreams.fraud", {"timeout": "1s"}) == FILE.replace(
        "retries: 2}\n", "retries: 2}\n  fraud: {timeout: 1s}\n"
    )


def test_the_first_callee_of_a_file_stands_where_upstreams_belong() -> None:
    text = "service: a\nrun: {image: x}\nprotocol: http\n\n# how many\ncount: 2\n"
    due = "service: a\nrun: {image: x}\nprotocol: http\nupstreams:\n  b: {}\n\n# how many\ncount: 2\n"
    assert after(text, "upstreams.b", {}) == due
    assert after(due, "upstreams.b", GONE) == text


def test_a_knob_is_changed_in_its_place() -> None:
    assert after(FILE, "upstreams.payments.timeout", "300ms") == FILE.replace("800ms", "300ms")
    assert after(FILE, "upstreams.catalog.limit", 5) == FILE.replace("catalog: {} ", "catalog: {limit: 5} ")


def test_quotes_stay() -> None:
    text = "a: 'one'\nb: \"two\"\nc: three\n"
    assert edited(text, [Edit(("a",), "it's"), Edit(("b",), "x"), Edit(("c",), "four")], "f").text == (
        "a: 'it''s'\nb: \"x\"\nc: four\n"
    )


@pytest.mark.parametrize(
    "value", ["yes", "null", "12", "", "a: b", "# x", "- x", "*a", "&a", "a #b", " x", "x ", "1.5", "~"]
)
def test_a_text_that_could_be_something_else_is_quoted(value: str) -> None:
    assert after("service: a\n", "description", value).count('"') == 2


def test_windows_breaks_and_a_missing_last_one_stay() -> None:
    text = FILE.replace("\n", "\r\n").rstrip()
    longer = after(text, "environments.production.upstreams.x", {})
    assert longer.replace("\r\n", "").count("\n") == 0
    assert longer.endswith("  production:\r\n    upstreams:\r\n      x: {}")
    assert after(longer, "environments.production.upstreams.x", GONE) == text


def test_json_stays_json() -> None:
    text = '{\n    "service": "a",\n    "upstreams": {\n        "b": {}\n    }\n}'
    longer = after(text, "upstreams.c", {"timeout": "1s", "stream": True})
    assert longer == text.replace('"b": {}\n', '"b": {},\n        "c": {"timeout": "1s", "stream": true}\n')
    assert after(longer, "upstreams.c", GONE) == text


def test_a_flow_map_over_several_lines_keeps_its_comments_and_its_last_comma() -> None:
    text = "upstreams: {\n  a: {},  # the first, see {b: c}\n  b: {},\n}\n"
    longer = after(text, "upstreams.c", {})
    assert longer == "upstreams: {\n  a: {},  # the first, see {b: c}\n  b: {},\n  c: {},\n}\n"
    assert after(longer, "upstreams.c", GONE) == text
    assert "# the first" in after(text, "upstreams.b", GONE)
    assert "# the first" in after(text, "upstreams.a", GONE)


def test_comments_within_a_block_go_with_it_and_those_around_it_stay() -> None:
    text = "# above\nupstreams:\n  # within\n  a:\n    # deep\n    timeout: 1s\n# behind\ncount: 1\n"
    assert after(text, "upstreams", GONE) == "# above\n# behind\ncount: 1\n"
    assert after(text, "upstreams.a.timeout", GONE) == "# above\n# behind\ncount: 1\n", "the blocks that it empties"


def test_an_alias_is_written_out_only_where_it_would_change_apart_and_that_is_said() -> None:
    text = "upstreams:\n  a: &usual {timeout: 1s}\n  b: *usual\n"
    assert after(text, "upstreams.c", {}) == text + "  c: {}\n", "anchors and aliases stay"
    one = edited(text, [Edit(("upstreams", "b", "timeout"), "2s")], "f")
    assert one.text == "upstreams:\n  a: &usual {timeout: 1s}\n  b: {timeout: 2s}\n"
    other = edited(text, [Edit(("upstreams", "a", "timeout"), "2s")], "f")
    assert other.text == "upstreams:\n  a: &usual {timeout: 2s}\n  b: {timeout: 1s}\n"
    assert one.notes == other.notes == ("*usual on line 3 is written out: it changes apart",)
    gone = edited(text, [Edit(("upstreams", "a"), GONE)], "f")
    assert gone.text == "upstreams:\n  b: {timeout: 1s}\n"


def test_a_text_of_several_lines_keeps_its_breaks_where_something_is_written_behind_it() -> None:
    text = "files:\n  - path: a\n    template: |+\n      one\n\n"
    assert after(text, "count", 2) == text + "count: 2\n"


def test_a_key_of_a_list_s_item_beside_its_dash_can_go() -> None:
    text = "checks:\n  - http: /a\n    interval: 5s\n"
    assert edited(text, [Edit(("checks", 0, "http"), GONE)], "f").text == "checks:\n  - interval: 5s\n"


def test_the_last_key_of_a_block_takes_the_block_along_but_braces_stay() -> None:
    assert after("a: 1\nb:\n  c:\n    d: 1\n", "b.c.d", GONE) == "a: 1\n"
    assert after("a: 1\nb: {c: {d: 1}}\n", "b.c.d", GONE) == "a: 1\nb: {c: {}}\n"


def test_a_file_whose_style_cannot_be_kept_is_left_alone_and_what_to_write_is_said() -> None:
    text = "? service\n: a\n? upstreams\n: {}\n"
    with pytest.raises(SpecError) as caught:
        after(text, "count", 2)
    assert "by hand: count: 2" in caught.value.problems[0].message


def test_what_is_the_same_on_both_sides_is_not_touched() -> None:
    before = {"a": 1, "checks": [{"http": "/a"}, {"tcp": True}], "b": {"c": 1, "d": 2}, "e": [1]}
    later = {"a": 1, "checks": [{"http": "/b"}], "b": {"c": 1, "x": {}}, "e": [2]}
    assert edits_between(before, later) == (
        Edit(("checks", 0, "http"), "/b"),
        Edit(("checks", 1), GONE),
        Edit(("b", "x"), {}),
        Edit(("b", "d"), GONE),
        Edit(("e",), [2]),
    )
    assert edits_between(before, before) == ()
    assert edits_between({"a": 1}, {"a": True}) == (Edit(("a",), True),), "1 is not true"


def test_what_is_pulled_leaves_other_environments_alone() -> None:
    mine = {"count": 1, "environments": {"stage": {"count": 2}, "production": {"count": 4}}}
    theirs = {"count": 3, "environments": {"stage": {"env": {"A": "b"}}, "production": {"count": 9}}}
    assert pulled(mine, theirs, "stage") == (
        Edit(("count",), 3),
        Edit(("environments", "stage", "env"), {"A": "b"}),
        Edit(("environments", "stage", "count"), GONE),
    )
    assert pulled(mine, {"count": 1}, "stage") == (Edit(("environments", "stage"), GONE),)
    assert pulled({"count": 1}, theirs, "stage")[-1] == Edit(("environments", "stage"), {"env": {"A": "b"}})
