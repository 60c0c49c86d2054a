"""Artifacts from anywhere: what is wrong with one is one clear error, and nothing is written outside."""

from __future__ import annotations

import gzip
import io
import tarfile
import zipfile
from pathlib import Path
from typing import Any

import pytest
from outrider_embedded.scheduler.artifacts import ArtifactError, _inner
from outrider_embedded.scheduler.unpacking import MOST_ENTRIES, UnpackingError, unpacked

BIG = 300 * 1024 * 1024


def tar(*members: tuple[str, bytes], **more: Any) -> bytes:
    """A plain tar of these files; ``more`` are fields of the last one."""
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for name, content in members:
            info = tarfile.TarInfo(name)
            info.size = len(content)
            for key, value in more.items():
                setattr(info, key, value)
            archive.addfile(info, io.BytesIO(content))
    return made.getvalue()


def zipped(**files: str) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return made.getvalue()


def nested_zip(name: str) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        archive.writestr(name, "x")
    return made.getvalue()


def placed(root: Path, content: bytes, name: str) -> bool:
    (root / "in").mkdir(parents=True)
    (root / "in" / "file").write_bytes(content)
    return unpacked(root / "in" / "file", name, root / "task" / "local")


GOOD = gzip.compress(tar(("bin/app", b"hello" * 1000)))
BAD = {
    "truncated": (GOOD[:-20], "a.tar.gz"),
    "cut-in-half": (GOOD[: len(GOOD) // 2], "a.tar.gz"),
    "empty": (b"", "a.tar.gz"),
    "no-gzip": (b"<html>", "a.tgz"),
    "no-xz": (b"<html>", "a.tar.xz"),
    "no-bz2": (b"<html>", "a.tar.bz2"),
    "no-tar": (b"<html>" * 500, "a.tar"),
    "no-zip": (b"PK<html>", "a.zip"),
    "cut-zip": (zipped(a="b" * 1000)[:-30], "a.zip"),
    "bad-checksum": (GOOD[:-8] + b"\0" * 8, "a.tar.gz"),
    "way-out": (gzip.compress(tar(("../../out", b"x"))), "a.tar.gz"),
    "no-files": (gzip.compress(tar(("folder", b""), type=tarfile.DIRTYPE)), "a.tar.gz"),
    "empty-zip": (zipped(), "a.zip"),
    "zip-way-out": (nested_zip("../../out"), "a.zip"),
    "zip-absolute": (nested_zip("/tmp/out"), "a.zip"),
}


@pytest.mark.parametrize("name", BAD)
def test_a_bad_archive_is_one_error_and_leaves_nothing_outside(name: str, tmp_path: Path) -> None:
    with pytest.raises(UnpackingError) as refused:
        placed(tmp_path, *BAD[name])
    assert str(refused.value)
    outside = [
        one for one in tmp_path.rglob("*") if one.is_file() and not one.is_relative_to(tmp_path / "task" / "local")
    ]
    assert outside == [tmp_path / "in" / "file"]


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.FIFOTYPE])
def test_what_is_neither_file_nor_folder_becomes_an_empty_file_as_with_nomad(kind: bytes, tmp_path: Path) -> None:
    content = tar(("other", b""), type=kind, linkname="/etc/passwd")
    placed(tmp_path, gzip.compress(content), "a.tar.gz")
    made = tmp_path / "task/local/other"
    assert (made.is_symlink(), made.is_file(), made.stat().st_size) == (False, True, 0)


def test_an_absolute_name_in_a_tar_is_put_inside(tmp_path: Path) -> None:
    placed(tmp_path, gzip.compress(tar(("/etc/inside", b"x"))), "a.tar.gz")
    assert (tmp_path / "task/local/etc/inside").read_bytes() == b"x"


BOMBS = {
    "file": (lambda: gzip.compress(tar(("zeros", bytes(BIG))), 1), "a.tar.gz"),
    "zip": (lambda: zipped(zeros="0" * BIG), "a.zip"),
    "many": (lambda: gzip.compress(tar(*((f"f{number}", b"") for number in range(MOST_ENTRIES))), 1), "a.tar.gz"),
    "many-in-zip": (lambda: zipped(**{f"f{number}": "" for number in range(MOST_ENTRIES + 1)}), "a.zip"),
    "header": (lambda: gzip.compress(tar(("a", b""), pax_headers={"comment": "x" * BIG}), 1), "a.tar.gz"),
}


@pytest.mark.parametrize("name", BOMBS)
def test_a_few_bytes_that_become_gigabytes_are_refused_before_they_do(name: str, tmp_path: Path) -> None:
    made, file = BOMBS[name]
    with pytest.raises(UnpackingError, match=r"larger than|too many files: 4097 > 4096"):
        placed(tmp_path, made(), file)
    written = sum(one.stat().st_size for one in (tmp_path / "task").rglob("*") if one.is_file())
    assert written < 1024


def test_a_good_archive_is_unpacked_and_a_plain_file_is_none(tmp_path: Path) -> None:
    assert placed(tmp_path / "a", GOOD, "a.tar.gz")
    assert (tmp_path / "a/task/local/bin/app").stat().st_size == 5000
    assert placed(tmp_path / "b", zipped(app="x"), "b.zip")
    assert not placed(tmp_path / "c", b"x", "program")


@pytest.mark.parametrize("name", ["../x", "/etc/x", "a/b", "..", ".", "", "a\0b"])
def test_a_file_name_in_a_url_leads_nowhere_else(name: str) -> None:
    with pytest.raises(ArtifactError, match="outside of its destination"):
        _inner(name)
    assert _inner("app.bin") == "app.bin"
