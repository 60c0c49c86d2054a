"""The snapshot on disk: whole or not there, and never the reason for a failure."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from outrider_agent import snapshot
from outrider_agent.departures import Departed
from outrider_agent.endpoints import DEGRADED, Endpoint, Endpoints
from outrider_agent.memory import Memory
from outrider_agent.snapshot import Writer, known_in, read, text

CANARY = Endpoint("fd00::1", 21001, DEGRADED, 3)
CANARY.is_canary = True
CANARY.version = "abc"
KNOWN: dict[str, Endpoints] = {"payments": (Endpoint("10.0.0.1", 80), CANARY), "idle": ()}


def test_what_was_written_is_read_back(tmp_path: Path) -> None:
    path = tmp_path / "snapshot.json"
    snapshot.write(str(path), text(KNOWN, 1.0))
    assert read(str(path)) == KNOWN
    assert [file.name for file in tmp_path.iterdir()] == ["snapshot.json"]


@pytest.mark.parametrize(
    "content",
    [
        "",
        "half a snap",
        "[]",
        '{"format":2,"upstreams":{}}',
        '{"format":1,"upstreams":{"a":[[1]]}}',
        '{"format":1,"upstreams":{"a":[["web.example",80,"HEALTHY",1,false,""]]}}',
        '{"format":1,"upstreams":{"a":[["10.0.0.1",0,"HEALTHY",1,false,""]]}}',
        text(KNOWN, 1.0)[:-9],
    ],
)
def test_half_a_snapshot_or_another_format_is_refused(content: str) -> None:
    with pytest.raises(ValueError, match=r".*"):
        known_in(content)


def test_several_changes_in_a_moment_are_written_at_once(tmp_path: Path) -> None:
    asked: list[int] = []

    def known() -> dict[str, Endpoints]:
        asked.append(1)
        return KNOWN

    writer = Writer(str(tmp_path / "s.json"), known, print)
    writer.changed(10.0)
    due = writer.wake_at(10.0)
    assert 12.0 <= due <= 14.0
    writer.changed(10.1)
    assert writer.wake_at(10.1) == due
    writer.wake(due)
    assert writer.wake_at(due) == float("inf")
    writer.changed(12.0)
    writer.changed(12.1)
    writer.finish()
    writer.finish()
    assert (len(asked), writer.wake_at(99.0)) == (2, float("inf"))


def test_a_disk_that_cannot_be_written_is_said_and_counted(tmp_path: Path) -> None:
    said: list[str] = []
    writer = Writer(str(tmp_path / "missing" / "s.json"), lambda: KNOWN, said.append)
    writer.wake(1.0)
    assert writer.failures == 1
    assert "cannot write the snapshot" in said[0]


def remembered() -> Memory:
    found = Memory()
    found.heard = 812
    found.departed = [Departed(CANARY, 40.0, is_gone=True), Departed(KNOWN["payments"][0], 41.5, is_gone=False)]
    found.spent = {("10.0.0.9", 80): 12.5}
    found.empty_since, found.lost_at = 90.0, 30.0
    return found


def memory_of(content: str, now: float) -> Memory:
    return snapshot.memories_in(content, now)["payments"]


def departed(memory: Memory) -> list[tuple[Endpoint, float, bool]]:
    return [(one.endpoint, one.at, one.is_gone) for one in memory.departed]


def test_line_3_what_is_remembered_is_read_back_on_the_same_clock() -> None:
    written = text(KNOWN, 1.0, snapshot.remembered({"payments": remembered()}, 100.0))
    found, wanted = memory_of(written, 130.0), remembered()
    assert departed(found) == departed(wanted)
    assert (found.heard, found.spent, found.empty_since, found.lost_at) == (812, wanted.spent, 90.0, 30.0)
    assert known_in(written) == KNOWN


def test_line_3_after_a_restart_of_the_machine_what_was_written_counts_as_just_written() -> None:
    written = text(KNOWN, 1.0, snapshot.remembered({"payments": remembered()}, 100.0))
    found = memory_of(written, 20.0)
    assert ([one.at for one in found.departed], found.empty_since, found.lost_at) == ([-40.0, -38.5], 10.0, -50.0)


def test_a_snapshot_without_memories_has_none() -> None:
    assert snapshot.memories_in(text(KNOWN, 1.0), 5.0) == {}


@pytest.mark.parametrize(
    "broken",
    [
        {"heard": -1},
        {"heard": True},
        {"heard": "7"},
        {"heard": None},
        {"departed": [[1]]},
        {"departed": [["10.0.0.1", 0, "HEALTHY", 1, False, "", 1.0, True]]},
        {"departed": [["10.0.0.1", 80, "HEALTHY", 1, False, "", "soon", True]]},
        {"spent": [["10.0.0.1", 80, None]]},
        {"spent": [["web.example", 80, 1.0]]},
        {"empty_since": "soon"},
        {"lost_at": True},
        {"lost_at": float("inf")},
    ],
)
def test_a_memory_that_is_none_makes_the_snapshot_unusable(broken: dict[str, object]) -> None:
    whole = snapshot.remembered({"payments": remembered()}, 100.0)
    content = json.loads(text(KNOWN, 1.0, whole))
    content["memories"]["payments"].update(broken)
    with pytest.raises(ValueError, match=r".*"):
        snapshot.memories_in(json.dumps(content), 130.0)


def test_a_clock_that_is_none_makes_the_snapshot_unusable() -> None:
    content = text(KNOWN, 1.0, snapshot.remembered({"payments": remembered()}, 100.0))
    with pytest.raises(ValueError, match="no time"):
        snapshot.memories_in(content.replace('"clock":100.0', '"clock":"noon"'), 130.0)
