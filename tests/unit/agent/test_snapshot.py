"""The snapshot on disk: whole or not there, and never the reason for a failure."""

from __future__ import annotations

from pathlib import Path

import pytest
from outrider_agent import snapshot
from outrider_agent.endpoints import DEGRADED, Endpoint, Endpoints
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
