"""A packed directory: the same content is the same bytes, and nothing from outside the directory gets in."""

from __future__ import annotations

import io
import os
import tarfile
from pathlib import Path

import pytest
from outrider_ground.errors import SpecError

from outrider.clients.archive import directory_archive


def a_directory(root: Path, order: tuple[str, ...] = ("app.py", "lib/a.txt", "lib/b.txt")) -> Path:
    for name in order:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(f"content of {name}")
    return root


def members(packed: bytes) -> dict[str, tarfile.TarInfo]:
    with tarfile.open(fileobj=io.BytesIO(packed)) as tar:
        return {member.name: member for member in tar.getmembers()}


def test_the_same_content_is_the_same_bytes(tmp_path: Path) -> None:
    first = a_directory(tmp_path / "first")
    second = a_directory(tmp_path / "second", ("lib/b.txt", "app.py", "lib/a.txt"))
    os.utime(second / "app.py", (1, 1))
    assert directory_archive(first) == directory_archive(second)


def test_another_content_is_other_bytes(tmp_path: Path) -> None:
    before = directory_archive(a_directory(tmp_path))
    (tmp_path / "app.py").write_text("something else")
    assert directory_archive(tmp_path) != before


def test_only_whether_a_file_can_be_run_is_kept_of_its_mode(tmp_path: Path) -> None:
    a_directory(tmp_path)
    (tmp_path / "app.py").chmod(0o700)
    (tmp_path / "lib/a.txt").chmod(0o600)
    found = members(directory_archive(tmp_path))
    assert (found["app.py"].mode, found["lib/a.txt"].mode, found["lib"].mode) == (0o755, 0o644, 0o755)
    assert {(one.uid, one.gid, one.uname, one.mtime) for one in found.values()} == {(0, 0, "", 0)}


def test_version_control_and_caches_stay_at_home(tmp_path: Path) -> None:
    a_directory(tmp_path, ("app.py", ".git/config", "pkg/__pycache__/x.pyc", ".venv/bin/python"))
    assert set(members(directory_archive(tmp_path))) == {"app.py", "pkg"}


def test_a_link_inside_is_kept_as_a_link(tmp_path: Path) -> None:
    a_directory(tmp_path)
    (tmp_path / "link").symlink_to("app.py")
    assert members(directory_archive(tmp_path))["link"].linkname == "app.py"


@pytest.mark.parametrize("target", ["/etc/passwd", "../outside"])
def test_a_link_that_leads_out_is_refused(tmp_path: Path, target: str) -> None:
    root = a_directory(tmp_path / "root")
    (root / "link").symlink_to(target)
    with pytest.raises(SpecError, match="leads out"):
        directory_archive(root)


def test_a_directory_that_is_none_is_a_problem_of_the_spec(tmp_path: Path) -> None:
    with pytest.raises(SpecError, match=r"run\.directory: .*nothing is no directory"):
        directory_archive(tmp_path / "nothing")


def test_a_socket_in_the_directory_is_refused(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(SpecError, match="neither a file nor a directory"):
        directory_archive(tmp_path)
