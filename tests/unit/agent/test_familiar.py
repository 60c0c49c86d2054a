"""Entries that are as they were are not parsed again, and nothing else is taken for one."""

from __future__ import annotations

import json
from collections.abc import Sequence

import pytest
from fakes.consul import entry
from hypothesis import given
from hypothesis import strategies as st
from outrider_agent.entries import MalformedError
from outrider_agent.familiar import MOST_INSTANCES, Familiar
from outrider_agent.instances import Instance

PORTS = st.lists(st.integers(1, 12), max_size=8)
TEXTS = st.sampled_from(["", ',{"Node":{', '"},{"Node":{"', "]", "}]"])


def written(entries: Sequence[object]) -> str:
    """As Consul writes it."""
    return json.dumps(entries, separators=(",", ":"))


def rows(found: Sequence[Instance | str]) -> list[tuple[str, int, str] | str]:
    return [(one.address, one.port, one.health) if isinstance(one, Instance) else one for one in found]


@given(st.lists(st.tuples(PORTS, st.sampled_from(["passing", "critical"]), TEXTS), max_size=6))
def test_a_list_means_the_same_whatever_was_read_before(lists: list[tuple[list[int], str, str]]) -> None:
    familiar = Familiar("web")
    for ports, status, text in lists:
        body = written([entry("10.0.0.1", port, status, Meta={"note": text}) for port in ports])
        assert rows(familiar.read(body)) == rows(Familiar("web").read(body))


def test_an_entry_that_is_as_it_was_is_the_same_instance() -> None:
    familiar = Familiar("web")
    first, second = (entry("10.0.0.1", port) for port in (1, 2))
    (before,) = familiar.read(written([first]))
    kept, new = familiar.read(written([first, second]))
    assert kept is before
    assert rows([new]) == [("10.0.0.1", 2, "passing")]
    assert familiar.read(written([second, first]))[1] is before


def test_a_list_in_another_hand_is_read_as_well() -> None:
    familiar = Familiar("web")
    found = [entry("10.0.0.1", port) for port in (1, 2, 3)]
    for indent in (None, 2, None):
        assert len(familiar.read(json.dumps(found, indent=indent))) == 3


@pytest.mark.parametrize("end", ["", "]]", "x]", ",]", "}]"])
def test_a_list_of_known_entries_that_does_not_end_well_is_refused_and_forgets_nothing(end: str) -> None:
    familiar = Familiar("web")
    body = written([entry("10.0.0.1", 1), entry("10.0.0.1", 2)])
    before = familiar.read(body)
    with pytest.raises(MalformedError):
        familiar.read(body[:-1] + end)
    assert all(one is known for one, known in zip(familiar.read(body), before, strict=True))


def test_an_unusable_instance_is_known_by_its_reason() -> None:
    familiar = Familiar("web")
    body = written([entry("web.example", 1)])
    assert familiar.read(body) == familiar.read(body) == ["its address 'web.example' is no literal IP"]


def test_more_instances_than_an_agent_has_room_for_are_refused() -> None:
    one = written([entry("10.0.0.1", 1)])[1:-1]
    with pytest.raises(MalformedError, match=str(MOST_INSTANCES)):
        Familiar("web").read("[" + ",".join([one] * (MOST_INSTANCES + 1)) + "]")
