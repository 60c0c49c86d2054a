"""Which commands of redis the proxy is told to refuse, and what the page for people says of every command."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from support.redis_table import Row, rows
from support.topologies import resolved

from outrider.envoy.bootstrap import bootstrap
from outrider.envoy.redis import ADDED, refused

PAGE = (Path(__file__).parents[3] / "docs/how-to/redis.md").read_text(encoding="utf-8")
TOLD = re.compile(r"`([A-Z_. -]+?)(?: [0-9])?`")
MODULES = "json.get"
OTHERWISE, REFUSED, SHARDS = "## Not as redis answers", "## What is refused", "## Several instances"


def told(title: str, column: int = 0) -> list[str]:
    """A column of the tables under a title."""
    lines = PAGE.split(f"{title}\n")[1].split("\n## ")[0].splitlines()
    cells = [line.strip("|").split(" | ") for line in lines if line.startswith("|")]
    return [row[column].strip() for row in cells if len(row) > column]


def commands(cells: list[str]) -> set[str]:
    return {name.lower() for cell in cells for name in TOLD.findall(cell)}


def covers(named: set[str], row: Row) -> bool:
    """Whether the command is named, or the one that it is a subcommand of."""
    return row.command in named or row.command.split()[0] in named


@pytest.mark.parametrize("row", [row for row in rows() if row.verdict == "refused"])
def test_the_page_names_every_command_that_is_refused(row: Row) -> None:
    assert covers(commands(told(REFUSED)), row)


@pytest.mark.parametrize("row", [row for row in rows() if row.verdict in {"differs", "unheard"}])
def test_the_page_names_every_command_that_is_answered_otherwise(row: Row) -> None:
    assert covers(commands(told(OTHERWISE)), row)


@pytest.mark.parametrize("row", [row for row in rows() if row.shards])
def test_the_page_names_every_command_that_shards_refuse_or_answer_otherwise(row: Row) -> None:
    assert covers(commands(told(SHARDS)), row)


def test_the_page_names_no_command_as_refused_that_passes() -> None:
    named = commands([cell.split(" with ")[0] for cell in told(REFUSED)]) - {MODULES}
    assert {
        name for name in named if not any(row.verdict == "refused" and covers({name}, row) for row in rows())
    } == set()


def test_a_command_that_works_by_its_connection_is_refused_for_everybody() -> None:
    assert refused(shards=False) == ("multi", "script", "select", "watch", "role")


def test_what_needs_all_instances_is_refused_where_they_share_the_keys_out() -> None:
    more = set(refused(shards=True)) - set(refused(shards=False))
    assert {row.command.split()[0] for row in rows() if row.shards == "refused"} | {"info.shard"} == more


@pytest.mark.parametrize("shards", [False, True])
def test_a_caller_refuses_by_whether_its_redis_shares_the_keys_out(*, shards: bool) -> None:
    made = resolved({"upstreams": {"sessions": {}}}, sessions="redis-shards" if shards else "redis")
    listeners = {each["name"]: each for each in bootstrap(made)["static_resources"]["listeners"]}
    proxy = listeners["egress_sessions"]["filter_chains"][0]["filters"][0]["typed_config"]
    assert proxy["custom_commands"] == list(ADDED)
    (fault,) = proxy["faults"]
    assert fault["commands"] == list(refused(shards=shards))
    assert fault["fault_enabled"]["default_value"] == {"numerator": 100, "denominator": "HUNDRED"}
    assert proxy["settings"]["enable_hashtagging"] is True
