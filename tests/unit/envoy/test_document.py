"""The two ways out of a document with slots."""

from __future__ import annotations

import json
from typing import Any

from outrider.envoy.document import sampled, template
from outrider.topology.ports import Slot
from outrider.topology.secret import Expression

PORT = Slot("NOMAD_PORT_ingress", 20_000)


def test_samples_fill_every_slot_and_leave_the_rest() -> None:
    document = {"a": [PORT, {"b": PORT}], "c": "text", "d": 1, "e": None}
    assert sampled(document) == {"a": [20_000, {"b": 20_000}], "c": "text", "d": 1, "e": None}


def test_a_slot_becomes_a_question_to_nomad_inside_a_json_string() -> None:
    assert template({"port_value": PORT}) == '{"port_value":"{{ env `NOMAD_PORT_ingress` }}"}'


def test_braces_that_somebody_wrote_are_no_command_and_come_out_as_they_were() -> None:
    document = {"key {{ x }}": 'say {{ env "A" }} {{{ "quoted" \\ }}} ${a} ünï'}
    text = template(document)
    assert "{{" not in text
    assert json.loads(text) == document


def test_truth_numbers_and_nothing_are_written_as_json_has_them() -> None:
    document = {"a": True, "b": False, "c": None, "d": 1.5, "e": (), "f": {}, "g": [1]}
    assert json.loads(template(document)) == document | {"e": []}


def test_a_secret_is_a_question_that_renders_its_own_quotes() -> None:
    secret = Expression('{{ key "a" | toJSON }}', "sample")
    assert template({"p": secret}) == '{"p":{{ key "a" | toJSON }}}'
    assert sampled({"p": secret}) == {"p": "sample"}


def test_text_that_looks_like_a_slot_in_the_making_is_text() -> None:
    document = {"a": '{"\0":"x"}', "b": PORT}
    text = template(document).replace("{{ env `NOMAD_PORT_ingress` }}", "1")
    assert json.loads(text) == {"a": '{"\0":"x"}', "b": "1"}


def test_parts_without_a_slot_are_not_there_twice() -> None:
    document: dict[str, Any] = {"a": [{"b": 1}], "c": {"d": [Slot("X", 1)], "e": {"f": 2}}}
    found = sampled(document)
    assert found == {"a": [{"b": 1}], "c": {"d": [1], "e": {"f": 2}}}
    assert (found["a"] is document["a"], found["c"]["e"] is document["c"]["e"]) == (True, True)
    assert document["c"]["d"] == [Slot("X", 1)]
