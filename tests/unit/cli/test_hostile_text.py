"""What others wrote is made plain before a person's terminal sees it; data stays data."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from dataclasses import replace

import click
import pytest
import yaml
from fakes.shown import NOW, a_deployment, an_endpoints
from outrider_ground.errors import Problem

from outrider.cli import views
from outrider.cli.output import COLOUR, Output, data, table
from outrider.cli.printable import one_line, plain_chunks, printable, printable_document
from outrider.cli.problems import problem_lines
from outrider.cli.watching import line
from outrider.operations.answers.endpoints import SidecarView
from outrider.operations.event_details import Warned
from outrider.operations.events import happened
from outrider.operations.look.history import release_of
from outrider.telemetry.report import Report

SIGNS = {
    "escape": "\x1b[2J",
    "bell": "\x07",
    "c1": "\x9b31m",
    "c1-string": "\x90x\x9c",
    "link": "\x1b]8;;http://evil\x1b\\text\x1b]8;;\x1b\\",
    "bidi": "\u202e",
    "isolate": "\u2066",
    "zero-width": "\u200b",
    "joiner": "\u200d",
    "mark": "\ufeff",
    "line": "\u2028",
    "tag": "\U000e0041",
    "surrogate": "\udc9b",
    "return": "\rroot@host",
}
BAD = {sign for text in SIGNS.values() for sign in text if not sign.isprintable()}


@pytest.mark.parametrize("name", SIGNS)
def test_no_sign_that_a_terminal_obeys_or_hides_is_left(name: str) -> None:
    text = f"a{SIGNS[name]}b"
    assert not BAD & set(printable(text))
    assert not BAD & set(str(printable_document({text: [text, {"x": text}]})))
    assert printable("é漢🙂\tx\ny") == "é漢🙂\tx\ny"


def test_a_cell_stays_one_line_of_its_table() -> None:
    lines = table(("A", "B"), [("one\ntwo\tthree\rfour", "x")])
    assert len(lines) == 2
    assert "\n" not in lines[1]
    assert one_line("a\nb") == "a b"


@pytest.mark.parametrize("form", ["json", "yaml"])
@pytest.mark.parametrize("name", [name for name in SIGNS if name != "surrogate"])
def test_documents_are_the_same_as_data_and_plain_on_a_terminal(form: str, name: str) -> None:
    document = {"text": f"é{SIGNS[name]}", "list": [1, None, True]}
    text = data(document, form)
    assert not (BAD - {"\n"}) & set(text)
    assert (json.loads(text) if form == "json" else yaml.safe_load(text)) == document


def test_what_needs_no_escape_has_none() -> None:
    assert "é漢" in data({"a": "é漢"}, "json")
    assert "é漢" in data({"a": "é漢"}, "yaml")


def test_every_line_of_a_table_is_plain_whoever_made_it(capsys: pytest.CaptureFixture[str]) -> None:
    Output().show({"a": "x\x1b[2J"}, lambda shown: [shown["a"], click.style("good", fg="green"), "y\x9b1m\u202e"])
    out = capsys.readouterr().out
    assert not BAD & set(COLOUR.sub("", out))
    assert "good" in out


async def test_a_log_on_a_terminal_is_plain_and_no_sign_is_lost_between_chunks() -> None:
    async def chunks() -> AsyncIterator[bytes]:
        for part in ("é".encode()[:1], "é".encode()[1:] + b"\x1b[31mred\r", b"\nnext\xff\r", b"end\r"):
            yield part

    text = "".join([part async for part in plain_chunks(chunks())])
    assert text == "é\ufffd[31mred\nnext\ufffd\ufffdend\ufffd"


def test_names_and_problems_in_views_are_plain() -> None:
    bad = "x\x1b[2J\nforged line"
    sidecar = SidecarView(bad, "", Report(), bad)
    endpoints = replace(an_endpoints({}, sidecar), problems=(bad,))
    for text in views.endpoints(endpoints):
        assert "\n" not in text
        assert "\x1b[2J" not in text
    for text in problem_lines(Problem("count", "wrong", file=bad)):
        assert "\n" not in text
    assert "\x1b[2J" not in line(happened(1, NOW, bad, Warned()))


def test_a_reason_that_is_cut_says_so() -> None:
    for length, ends in ((81, "a" * 79 + "…"), (80, "a" * 80)):
        row = list(views.releases([release_of(a_deployment("checkout", state="failed", reason="a" * length))]))[-1]
        assert row.endswith(ends)
