"""Entries that are as they were are not parsed again, and nothing else is taken for one."""

from __future__ import annotations

import json
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st
from outrider_agent.instances import Instance
from outrider_agent.memory_budget import INSTANCE, MalformedError, MemoryBudget
from outrider_agent.previous_list import PreviousList, Reading
from outrider_harness.scripted_consul import entry

PORTS = st.lists(st.integers(1, 12), max_size=8)
TEXTS = st.sampled_from(["", ',{"Node":{', '"},{"Node":{"', "]", "}]"])


class Lists:
    """One upstream's lists, one after the other, each in pieces of a few bytes."""

    def __init__(self, budget: MemoryBudget | None = None) -> None:
        self.budget = budget or MemoryBudget(1 << 20)
        self.previous = PreviousList(self.budget, "web")

    def read(self, text: str, size: int = 50) -> list[Instance | str]:
        reading = Reading(self.budget, self.previous)
        try:
            for at in range(0, len(text), size):
                reading.feed(text[at : at + size].encode())
            reading.finish()
        except MalformedError:
            reading.release()
            raise
        return reading.found


def written(entries: Sequence[object]) -> str:
    """As Consul writes it."""
    return json.dumps(entries, separators=(",", ":"))


def rows(found: Sequence[Instance | str]) -> list[tuple[str, int, str] | str]:
    return [(one.address, one.port, one.health) if isinstance(one, Instance) else one for one in found]


@given(st.lists(st.tuples(PORTS, st.sampled_from(["passing", "critical"]), TEXTS), max_size=6))
def test_a_list_means_the_same_whatever_was_read_before(lists: list[tuple[list[int], str, str]]) -> None:
    previous = Lists()
    for ports, status, text in lists:
        body = written([entry("10.0.0.1", port, status, Meta={"note": text}) for port in ports])
        assert rows(previous.read(body)) == rows(Lists().read(body))


def test_an_entry_that_is_as_it_was_is_the_same_instance() -> None:
    previous = Lists()
    first, second = (entry("10.0.0.1", port) for port in (1, 2))
    (before,) = previous.read(written([first]))
    kept, new = previous.read(written([first, second]))
    assert kept is before
    assert rows([new]) == [("10.0.0.1", 2, "passing")]
    assert previous.read(written([second, first]))[1] is before


def test_a_list_in_another_hand_is_read_as_well() -> None:
    previous = Lists()
    found = [entry("10.0.0.1", port) for port in (1, 2, 3)]
    for indent in (None, 2, None):
        assert len(previous.read(json.dumps(found, indent=indent))) == 3


@pytest.mark.parametrize("end", ["", "]]", "x]", ",]", "}]"])
def test_a_list_of_known_entries_that_does_not_end_well_is_refused_and_forgets_nothing(end: str) -> None:
    previous = Lists()
    body = written([entry("10.0.0.1", 1), entry("10.0.0.1", 2)])
    before = previous.read(body)
    with pytest.raises(MalformedError):
        previous.read(body[:-1] + end)
    assert all(one is known for one, known in zip(previous.read(body), before, strict=True))


def test_an_unusable_instance_is_known_by_its_reason() -> None:
    previous = Lists()
    body = written([entry("web.example", 1)])
    assert previous.read(body) == previous.read(body) == ["its address 'web.example' is no literal IP"]


def test_room_is_taken_for_what_is_kept_and_once_only_for_a_list_that_takes_anothers_place() -> None:
    budget = MemoryBudget(5 * INSTANCE)
    lists = Lists(budget)
    for status in ("passing", "critical", "warning"):
        lists.read(written([entry("10.0.0.1", port, status) for port in (1, 2, 3, 4)]))
        assert budget.free == INSTANCE
    with pytest.raises(MalformedError, match="sidecar"):
        lists.read(written([entry("10.0.0.2", port) for port in range(1, 9)]))
    assert budget.free == INSTANCE
    lists.read("[]")
    assert budget.free == budget.size


def test_ten_thousand_instances_are_read_where_the_memory_is_there() -> None:
    lists = Lists(MemoryBudget(10_001 * INSTANCE + 65_536))
    body = written([entry(f"10.0.{one // 250}.{one % 250}", 80) for one in range(10_000)])
    assert len(lists.read(body, 16_384)) == 10_000
