"""Templates rendered as consul-template 0.42.1 (that of Nomad 2.0.5) rendered them: some hundred, well-formed and not.

What it made of each lies in ``tests/recordings/consul_template.json``; ``consul_template.go`` beside it writes it anew.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from outrider_embedded.templates import TemplateError, rendered

RECORDED: list[dict[str, str]] = json.loads(
    (Path(__file__).parents[2] / "recordings" / "consul_template.json").read_text("utf-8")
)
ENVIRONMENT = {"NAME": "value", "EMPTY": ""}


def ids(recorded: dict[str, str]) -> str:
    return ascii(recorded["text"])[:60]


def outcome(text: str) -> str | TemplateError:
    try:
        return rendered(text, ENVIRONMENT, {}.get).text
    except TemplateError as error:
        return error


@pytest.mark.parametrize("recorded", [one for one in RECORDED if "out" in one], ids=ids)
def test_what_consul_template_renders_is_rendered_alike_or_refused_by_name(recorded: dict[str, str]) -> None:
    found = outcome(recorded["text"])
    if isinstance(found, TemplateError):
        assert "the one-machine cluster has no " in str(found)
    else:
        assert found == recorded["out"]


@pytest.mark.parametrize("recorded", [one for one in RECORDED if "err" in one], ids=ids)
def test_what_consul_template_refuses_is_refused(recorded: dict[str, str]) -> None:
    assert isinstance(outcome(recorded["text"]), TemplateError), recorded["err"]
