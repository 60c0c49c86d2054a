"""The reference page of the command line is that of today's commands, and leaves nothing out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

import click
import pytest

from outrider.cli.main import outrider
from outrider.cli.reference import EXIT_CODES, cli_reference
from outrider.cli.verbs import VERBS
from outrider.settings import settings

PAGE = Path(__file__).parents[3] / "docs" / "reference" / "cli.md"
DEFINED_ELSEWHERE = ("NOMAD_", "CONSUL_", "VAULT_", "LOGNAME", "USER", "TERM")


class Asked(Mapping[str, str]):
    """An environment that remembers which variables somebody looked for."""

    def __init__(self) -> None:
        self.names: set[str] = set()

    def __getitem__(self, name: str) -> str:
        self.names.add(name)
        raise KeyError(name)

    def __iter__(self) -> Iterator[str]:
        return iter(())

    def __len__(self) -> int:
        return 0


def test_the_page_is_up_to_date() -> None:
    assert PAGE.read_text() == cli_reference(), "run `make docs`"


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_and_every_option_has_its_line(verb: str) -> None:
    page = PAGE.read_text()
    command = outrider.get_command(click.Context(outrider), verb)
    assert command
    assert f"### `outrider {verb}" in page
    section = page.split(f"### `outrider {verb}", 1)[1].split("\n### ", 1)[0]
    options = [name for one in command.params if isinstance(one, click.Option) for name in one.opts]
    assert all(name in section for name in options)


def test_every_exit_code_is_told() -> None:
    page = PAGE.read_text()
    assert all(f"| `{code}` |" in page for code in EXIT_CODES)


def test_every_variable_that_the_settings_read_is_on_the_page() -> None:
    asked = Asked()
    settings(asked, Path("/no/context.toml"))
    assert asked.names
    ours = {name for name in asked.names if not name.startswith(DEFINED_ELSEWHERE)}
    page = PAGE.read_text()
    assert {name for name in ours if f"`{name}`" not in page} == set()
    theirs = {name for name in asked.names if name.startswith(("NOMAD_", "CONSUL_")) and f"`{name}`" not in page}
    assert theirs <= {"NOMAD_ADDR", "NOMAD_REGION", "NOMAD_NAMESPACE", "CONSUL_HTTP_ADDR"}
