"""The snapshot on disk: whole or not there, written in the end, and never the reason for a failure."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from outrider_agent import snapshot
from outrider_agent.departures import Departed
from outrider_agent.endpoints import DEGRADED, Endpoint, Endpoints
from outrider_agent.files import Stamp
from outrider_agent.handover import Handover
from outrider_agent.loop import NEVER, Loop
from outrider_agent.snapshot import LARGEST, found, known_in, text
from outrider_agent.snapshot_writer import LOOK_PAUSE, Writer
from support.turning import turned

CANARY = Endpoint("fd00::1", 21001, DEGRADED, 3)
CANARY.is_canary = True
CANARY.version = "abc"
KNOWN: dict[str, Endpoints] = {"payments": (Endpoint("10.0.0.1", 80), CANARY), "idle": (), "far@dc2": ()}
ROW = ["10.0.0.1", 80, "HEALTHY", 1, False, ""]


def document(rows: object = (ROW,), **more: Any) -> str:
    whole = {"format": 1, "saved_at": 1.0, "upstreams": {"web": rows}, **more}
    return json.dumps(whole)


def row(place: int, value: object) -> list[object]:
    """One entry with that in that place."""
    return [*ROW[:place], value, *ROW[place + 1 :]]


def test_what_was_written_is_read_back(tmp_path: Path) -> None:
    path = tmp_path / "snapshot.json"
    snapshot.write(str(path), text(KNOWN, 1.0))
    assert read(str(path)) == KNOWN
    assert [file.name for file in tmp_path.iterdir()] == ["snapshot.json"]


def test_an_ordinary_document_is_a_snapshot() -> None:
    """Or the refusals below would prove nothing."""
    assert known_in(document()) == {"web": (Endpoint("10.0.0.1", 80),)}
    assert known_in(document([])) == {"web": ()}
    assert known_in(document(saved_at=9e9)), "a clock that was set back"


@pytest.mark.parametrize(
    "content",
    [
        "",
        "half a snap",
        "[]",
        "null",
        '{"format":2,"upstreams":{}}',
        '{"format":1,"upstreams":{"a":[[1]]}}',
        '{"format":1,"upstreams":{"a":[["web.example",80,"HEALTHY",1,false,""]]}}',
        '{"format":1,"upstreams":{"a":[["10.0.0.1",0,"HEALTHY",1,false,""]]}}',
        text(KNOWN, 1.0)[:-9],
        document(format=2),
        document(format=True),
        document(format=1.0),
        document(format="1"),
        document(upstreams=None),
        document(upstreams=[]),
        document(saved_at=None),
        document(saved_at="1"),
        document(saved_at=True),
        document(saved_at=-1),
        document(saved_at=float("nan")),
        document(saved_at=float("inf")),
        '{"format":1,"upstreams":{"web":[]}}',
    ],
)
def test_half_a_snapshot_or_another_format_is_refused(content: str) -> None:
    with pytest.raises(ValueError, match=r".*"):
        known_in(content)


@pytest.mark.parametrize(
    "rows",
    [
        None,
        {},
        "",
        0,
        [None],
        [{}],
        ["10.0.0.1"],
        [ROW[:5]],
        [[*ROW, 1]],
        [row(0, "web.example")],
        [row(0, "")],
        [row(0, None)],
        [row(0, "10.0.0.1 ")],
        [row(1, 0)],
        [row(1, -1)],
        [row(1, 65536)],
        [row(1, "80")],
        [row(1, 80.0)],
        [row(1, True)],
        [row(2, "")],
        [row(2, "healthy")],
        [row(2, "UNKNOWN")],
        [row(2, None)],
        [row(3, -1)],
        [row(3, 0)],
        [row(3, 65536)],
        [row(3, 1.5)],
        [row(3, "1")],
        [row(3, True)],
        [row(3, float("nan"))],
        [row(4, 0)],
        [row(4, "true")],
        [row(4, None)],
        [row(5, None)],
        [row(5, 1)],
        [row(5, "\ud800")],
        [ROW, ROW],
        [ROW, row(3, 2)],
        [row(0, "10.0.0.2"), ROW],
        [ROW, row(1, 0)],
    ],
)
def test_a_snapshot_with_an_impossible_entry_is_no_snapshot_and_null_is_not_no_endpoints(rows: object) -> None:
    """Nothing is put right in silence: what stands there is not what an agent wrote."""
    with pytest.raises(ValueError, match="upstream web has an"):
        known_in(document(rows))


@pytest.mark.parametrize("label", ["", " ", "@", "a@", "@b", "a b", "ä", "a/b"])
def test_a_snapshot_of_an_upstream_that_cannot_be_is_no_snapshot(label: str) -> None:
    with pytest.raises(ValueError, match="is no upstream"):
        known_in(document(upstreams={"web": [ROW], label: [ROW]}))


def test_only_a_regular_file_of_bounded_size_is_read(tmp_path: Path) -> None:
    """A FIFO without a writer would hold the start up for ever."""
    fifo, folder, large, latin, loop = (tmp_path / name for name in ("fifo", "folder", "large", "latin", "loop"))
    os.mkfifo(fifo)
    folder.mkdir()
    large.write_text(document() + " " * LARGEST)
    latin.write_bytes(document().encode().replace(b"web", b"w\xe4b"))
    loop.symlink_to(loop)
    for path in (fifo, folder, large, latin, loop, Path("/dev/zero")):
        said: list[str] = []
        assert found(str(path), said.append, 0.0) == snapshot.NOTHING
        assert [line.partition(": ")[0] for line in said] == [f"the snapshot {path} cannot be used"]
        assert "the disk has not answered" not in said[0], "it is refused at once"
    assert found(str(tmp_path / "missing"), pytest.fail, 0.0) == snapshot.NOTHING


class Disk:
    """A writer with a directory of its own and a clock that goes where the test wants it."""

    def __init__(self, loop: Loop, path: Path) -> None:
        self.asked: list[int] = []
        self.said: list[str] = []
        self.known: dict[str, Endpoints] = KNOWN
        self.path = path
        self.loop = loop
        self.goes_on = threading.Event()
        self.goes_on.set()
        self.writer = Writer(loop, str(path), self._known, self.said.append, put=self._put)

    def _known(self) -> dict[str, Endpoints]:
        self.asked.append(1)
        return self.known

    def _put(self, path: str, content: str) -> Stamp:
        self.goes_on.wait()
        return snapshot.write(path, content)

    def wake(self, at: float | None = None) -> None:
        """When it is due, or earlier or later; until what that began has ended."""
        self.writer.wake(self.writer.wake_at(0.0) if at is None else at)
        turned(self.loop, lambda: not self.writer.is_busy)


@pytest.fixture
def disk(loop: Loop, tmp_path: Path) -> Disk:
    return Disk(loop, tmp_path / "place" / "s.json")


def place(disk: Disk) -> None:
    disk.path.parent.mkdir()


def test_several_changes_in_a_moment_are_written_at_once(disk: Disk) -> None:
    place(disk)
    now = disk.loop.now()
    disk.writer.changed(now)
    due = disk.writer.wake_at(now)
    assert now + 2.0 <= due <= now + 4.0
    disk.writer.changed(now + 0.1)
    assert disk.writer.wake_at(now) == due
    disk.wake()
    assert read(str(disk.path)) == KNOWN
    assert disk.writer.wake_at(now) > due + 30
    disk.writer.changed(now)
    disk.writer.changed(now + 0.1)
    disk.writer.finish()
    disk.writer.finish()
    assert (len(disk.asked), disk.writer.failures, disk.said) == (2, 0, [])


def nowhere(disk: Disk) -> Callable[[], None]:
    return lambda: place(disk)


def a_file_for_a_folder(disk: Disk) -> Callable[[], None]:
    disk.path.parent.write_text("")

    def mend() -> None:
        disk.path.parent.unlink()
        place(disk)

    return mend


def a_folder_for_the_file(disk: Disk) -> Callable[[], None]:
    (disk.path / "something").mkdir(parents=True)
    return (disk.path / "something").rmdir


def a_folder_beside(disk: Disk) -> Callable[[], None]:
    beside = disk.path.with_name("s.json.new")
    (beside / "something").mkdir(parents=True)
    return (beside / "something").rmdir


@pytest.mark.parametrize("broken", [nowhere, a_file_for_a_folder, a_folder_for_the_file, a_folder_beside])
def test_a_snapshot_that_could_not_be_written_is_tried_again_until_the_disk_takes_it(
    disk: Disk, broken: Callable[[Disk], Callable[[], None]]
) -> None:
    """A full disk is the same to it; tests/contract/agent/test_disk_trouble.py has one."""
    mend = broken(disk)
    disk.writer.changed(disk.loop.now())
    pauses: list[float] = []
    for _ in range(12):
        disk.wake()
        pauses.append(disk.writer.wake_at(0.0) - disk.loop.now())
    assert max(pauses) <= 60.0
    assert pauses[3] > pauses[0]
    assert disk.writer.failures == 12
    assert [line.rpartition(": ")[0] for line in disk.said] == [f"cannot write the snapshot {disk.path}"]
    mend()
    disk.wake()
    assert read(str(disk.path)) == KNOWN
    assert disk.said[1:] == [f"the snapshot {disk.path} is written again"]
    assert sorted(one.name for one in disk.path.parent.iterdir()) == ["s.json"]


def test_a_failed_write_leaves_the_last_snapshot_and_no_half(disk: Disk) -> None:
    place(disk)
    disk.writer.changed(disk.loop.now())
    disk.wake()
    disk.known = {"web": tuple(Endpoint("10.0.0.1", port, "HEALTHY") for port in range(1, 60000))}
    disk.known["web"][0].version = "x" * LARGEST
    disk.writer.changed(disk.loop.now())
    disk.wake()
    assert "larger than" in disk.said[0]
    assert read(str(disk.path)) == KNOWN
    assert [one.name for one in disk.path.parent.iterdir()] == ["s.json"]


def removed(path: Path) -> None:
    path.unlink()


def changed(path: Path) -> None:
    path.write_text("{}")


def renewed(path: Path) -> None:
    path.unlink()
    path.parent.rmdir()
    path.parent.mkdir()


def linked(path: Path) -> None:
    path.rename(path.with_name("other"))
    path.symlink_to("other")


@pytest.mark.parametrize("meddle", [removed, changed, renewed, linked])
def test_a_snapshot_that_somebody_removes_or_changes_is_written_anew(
    disk: Disk, meddle: Callable[[Path], None]
) -> None:
    place(disk)
    disk.writer.changed(disk.loop.now())
    due = disk.writer.wake_at(0.0)
    disk.wake()
    look_at = disk.writer.wake_at(0.0)
    assert look_at == due + LOOK_PAUSE
    disk.wake(look_at)
    assert len(disk.asked) == 1, "nobody has touched it"
    meddle(disk.path)
    disk.wake(look_at)
    disk.wake()
    assert read(str(disk.path)) == KNOWN
    assert not disk.path.is_symlink()


def test_a_link_beside_the_snapshot_is_not_written_through(disk: Disk, tmp_path: Path) -> None:
    place(disk)
    precious = tmp_path / "precious"
    precious.write_text("precious")
    disk.path.with_name("s.json.new").symlink_to(precious)
    disk.writer.changed(disk.loop.now())
    disk.wake()
    assert precious.read_text() == "precious"
    assert read(str(disk.path)) == KNOWN


def test_a_disk_that_hangs_is_told_and_neither_a_change_nor_the_end_waits_for_it(disk: Disk) -> None:
    place(disk)
    disk.goes_on.clear()
    disk.writer.changed(disk.loop.now())
    due = disk.writer.wake_at(0.0)
    disk.writer.wake(due)
    disk.writer.changed(due)
    late_at = disk.writer.wake_at(0.0)
    assert late_at == due + 10.0
    disk.writer.wake(late_at)
    assert disk.said == [f"cannot write the snapshot {disk.path}: the disk has not taken it for 10 s"]
    assert (disk.writer.wake_at(0.0), disk.writer.failures) == (NEVER, 1)
    disk.writer.finish()
    assert len(disk.asked) == 1
    disk.goes_on.set()
    turned(disk.loop, lambda: not disk.writer.is_busy)
    disk.wake()
    assert (read(str(disk.path)), len(disk.asked)) == (KNOWN, 2)


def read(path: str) -> object:
    return snapshot.read(path, 0.0)[0]


def remembered() -> Handover:
    found = Handover()
    found.heard = 812
    found.departed = [Departed(CANARY, 40.0, is_gone=True), Departed(KNOWN["payments"][0], 41.5, is_gone=False)]
    found.spent = {("10.0.0.9", 80): 12.5}
    found.empty_since, found.lost_at = 90.0, 30.0
    return found


def memory_of(content: str, now: float) -> Handover:
    return snapshot.memories_in(content, now)["payments"]


def departed(handover: Handover) -> list[tuple[Endpoint, float, bool]]:
    return [(one.endpoint, one.at, one.is_gone) for one in handover.departed]


def test_what_is_remembered_is_read_back_on_the_same_clock() -> None:
    written = text(KNOWN, 1.0, snapshot.remembered({"payments": remembered()}, 100.0))
    found, wanted = memory_of(written, 130.0), remembered()
    assert departed(found) == departed(wanted)
    assert (found.heard, found.spent, found.empty_since, found.lost_at) == (812, wanted.spent, 90.0, 30.0)
    assert known_in(written) == KNOWN


def test_after_a_restart_of_the_machine_what_was_written_counts_as_just_written() -> None:
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
