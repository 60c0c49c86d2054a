"""Rotation of logs and reading across files."""

from __future__ import annotations

from pathlib import Path

from outrider_embedded.logs import RotatingLog, frames, log_files, start_position


def written(directory: Path, *pieces: bytes) -> None:
    log = RotatingLog(directory, "app.stdout", 3, 4)
    for piece in pieces:
        log.write(piece)
    log.close()


async def read(directory: Path, origin: str, offset: int) -> bytes:
    place = start_position(directory, "app.stdout", origin, offset)
    pieces = [piece async for piece in frames(directory, "app.stdout", place, lambda: True)]
    return b"".join(piece.data for piece in pieces if piece is not None)


async def test_a_full_file_is_followed_by_the_next_and_the_oldest_goes(tmp_path: Path) -> None:
    written(tmp_path, b"aaaa", b"bbbbcc", b"ccdd")
    assert [number for number, _ in log_files(tmp_path, "app.stdout")] == [1, 2, 3]
    assert await read(tmp_path, "start", 0) == b"bbbbccccdd"


async def test_a_log_is_read_from_both_ends_over_the_borders_of_files(tmp_path: Path) -> None:
    written(tmp_path, b"one two six")
    assert await read(tmp_path, "start", 4) == b"two six"
    assert await read(tmp_path, "end", 3) == b"six"
    assert await read(tmp_path, "end", 100) == b"one two six"
    assert await read(tmp_path, "start", 100) == b""


async def test_a_task_that_starts_again_goes_on_in_its_last_file(tmp_path: Path) -> None:
    written(tmp_path, b"aa")
    written(tmp_path, b"bb")
    assert [path.read_bytes() for _, path in log_files(tmp_path, "app.stdout")] == [b"aabb"]


async def test_nothing_written_is_nothing_read(tmp_path: Path) -> None:
    assert await read(tmp_path, "start", 0) == b""
