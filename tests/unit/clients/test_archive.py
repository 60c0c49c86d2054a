"""A packed directory: the same content is the same bytes, and nothing from outside the directory gets in."""

from __future__ import annotations

import hashlib
import io
import os
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest
from outrider_ground.errors import SpecError
from support.packed import bytes_of

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
    assert bytes_of(directory_archive(first)) == bytes_of(directory_archive(second))
    assert directory_archive(first).sha256 == hashlib.sha256(bytes_of(directory_archive(second))).hexdigest()


def test_another_content_is_other_bytes(tmp_path: Path) -> None:
    before = directory_archive(a_directory(tmp_path))
    (tmp_path / "app.py").write_text("something else")
    assert directory_archive(tmp_path).sha256 != before.sha256


def test_only_whether_a_file_can_be_run_is_kept_of_its_mode(tmp_path: Path) -> None:
    a_directory(tmp_path)
    (tmp_path / "app.py").chmod(0o700)
    (tmp_path / "lib/a.txt").chmod(0o600)
    found = members(bytes_of(directory_archive(tmp_path)))
    assert (found["app.py"].mode, found["lib/a.txt"].mode, found["lib"].mode) == (0o755, 0o644, 0o755)
    assert {(one.uid, one.gid, one.uname, one.mtime) for one in found.values()} == {(0, 0, "", 0)}


def test_version_control_and_caches_stay_at_home(tmp_path: Path) -> None:
    a_directory(tmp_path, ("app.py", ".git/config", "pkg/__pycache__/x.pyc", ".venv/bin/python"))
    assert set(members(bytes_of(directory_archive(tmp_path)))) == {"app.py", "pkg"}


def contents(packed: bytes) -> dict[str, bytes | None]:
    with tarfile.open(fileobj=io.BytesIO(packed)) as tar:
        files = [(member.name, tar.extractfile(member)) for member in tar.getmembers() if not member.isdir()]
        return {name: file.read() if file else None for name, file in files}


def test_a_link_inside_is_packed_as_what_it_leads_to_since_nomad_makes_an_empty_file_of_a_link(tmp_path: Path) -> None:
    a_directory(tmp_path)
    (tmp_path / "link").symlink_to("app.py")
    (tmp_path / "absolute").symlink_to(tmp_path / "lib" / "a.txt")
    (tmp_path / "lib" / "up").symlink_to("../app.py")
    (tmp_path / "lib/a.txt").chmod(0o755)
    found = contents(bytes_of(directory_archive(tmp_path)))
    assert found["link"] == found["lib/up"] == b"content of app.py"
    assert found["absolute"] == b"content of lib/a.txt"
    assert members(bytes_of(directory_archive(tmp_path)))["absolute"].mode == 0o755


def test_a_link_to_a_folder_inside_is_a_folder_with_the_same_files(tmp_path: Path) -> None:
    root = a_directory(tmp_path)
    (root / "current").symlink_to("lib")
    found = contents(bytes_of(directory_archive(root)))
    assert found["current/a.txt"] == found["lib/a.txt"]
    assert set(members(bytes_of(directory_archive(root)))) >= {"current", "current/b.txt"}


@pytest.mark.parametrize(
    ("target", "said"),
    [(".", "in a circle"), ("..", "leads out"), ("nothing", "leads nowhere"), ("back", "in a circle")],
)
def test_a_link_without_an_end_or_outside_is_one_error(tmp_path: Path, target: str, said: str) -> None:
    root = a_directory(tmp_path / "root")
    (root / "back").symlink_to(target)
    with pytest.raises(SpecError, match=rf"back is a link that .*{said}|back is a link that {said}"):
        directory_archive(root)


def test_links_that_multiply_what_is_there_end_in_one_error(tmp_path: Path) -> None:
    for level in range(20):
        (tmp_path / f"d{level}").mkdir()
        for side in "ab":
            (tmp_path / f"d{level}" / side).symlink_to(tmp_path / f"d{level + 1}")
    (tmp_path / "d20").mkdir()
    with pytest.raises(SpecError, match="more than 50000 files"):
        directory_archive(tmp_path)


@pytest.mark.parametrize("names", [(), ("folder/",), ("outrider.yaml", "notes.md")])
def test_a_directory_of_which_nothing_would_go_along_is_refused_as_nomad_would(
    tmp_path: Path, names: tuple[str, ...]
) -> None:
    for name in names:
        (tmp_path / name).mkdir() if name.endswith("/") else (tmp_path / name).write_text(SPEC)
    (tmp_path / ".outriderignore").write_text("*.md\n")
    with pytest.raises(SpecError, match="no file that would go along"):
        directory_archive(tmp_path)


def test_what_editors_and_tools_leave_behind_changes_nothing(tmp_path: Path) -> None:
    before = bytes_of(directory_archive(a_directory(tmp_path)))
    left = (".outrider.yaml.swp", "outrider.yaml~", "#outrider.yaml#", ".idea/workspace.xml", "lib/.pytest_cache/x")
    for name in left:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("count: 2")
    (tmp_path / ".#outrider.yaml").symlink_to("somebody@host.123")
    assert bytes_of(directory_archive(tmp_path)) == before
    (tmp_path / ".outriderignore").write_text("!outrider.yaml~\n")
    assert "outrider.yaml~" in kept(tmp_path)


def test_an_ignore_file_with_the_marks_of_other_systems_means_the_same(tmp_path: Path) -> None:
    root = a_directory(tmp_path, ("app.py", "notes.md", "data/x"))
    (root / ".outriderignore").write_bytes(b"\xef\xbb\xbf*.md\r\n/data/\r\n")
    assert kept(root) == {"app.py"}


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


SPEC = "service: hello\nrun: {command: [python3, app.py], directory: .}\n"


def kept(root: Path, spec: Path | None = None) -> set[str]:
    return set(members(bytes_of(directory_archive(root, spec))))


def test_a_directory_that_holds_its_spec_is_the_same_with_another_count_or_team(tmp_path: Path) -> None:
    root, spec = a_directory(tmp_path), tmp_path / "hello.yaml"
    spec.write_text(SPEC)
    before = directory_archive(root, spec)
    spec.write_text(f"{SPEC}count: 7\nteam: others\n")
    assert bytes_of(directory_archive(root, spec)) == bytes_of(before)
    size = sum(len(f"content of {name}") for name in ("app.py", "lib/a.txt", "lib/b.txt"))
    assert (before.files, before.size, before.specs) == (3, size, ("hello.yaml",))


@pytest.mark.parametrize("name", ["hello.yaml", "deploy/hello.yml", "hello.json", "Spec without an end"])
def test_the_spec_stays_at_home_whatever_its_name_and_wherever_it_lies(tmp_path: Path, name: str) -> None:
    root = a_directory(tmp_path, ("app.py", name))
    assert name not in kept(root, root / name)
    assert "app.py" in kept(root, root / name)


def test_a_link_to_the_spec_stays_at_home_too(tmp_path: Path) -> None:
    root = a_directory(tmp_path, ("app.py", "real"))
    (root / "current.yaml").symlink_to("real")
    assert kept(root, root / "current.yaml") == {"app.py"}


def test_a_link_to_a_neighbours_spec_stays_at_home_under_any_name(tmp_path: Path) -> None:
    root = a_directory(tmp_path, ("app.py",))
    (root / "caller.yaml").write_text(SPEC)
    (root / "linked").symlink_to("caller.yaml")
    assert kept(root) == {"app.py"}


def test_the_specs_of_neighbours_stay_at_home_and_other_yaml_goes_along(tmp_path: Path) -> None:
    root = a_directory(tmp_path, ("app.py", "config.yaml", "other/caller.yaml", "notes.txt"))
    (root / "other/caller.yaml").write_text(SPEC.replace("hello", "caller"))
    (root / "notes.txt").write_text(SPEC)
    (root / "config.yaml").write_text("service: hello\nworkers: 3\n")
    assert kept(root) == {"app.py", "config.yaml", "other", "notes.txt"}


def test_an_ignore_file_leaves_out_what_it_names_and_itself(tmp_path: Path) -> None:
    root = a_directory(tmp_path, ("app.py", "notes.md", "data/big.bin", "data/small.txt", "sub/data/kept"))
    (root / ".outriderignore").write_text("# not for nodes\n*.md\n/data/*\n!/data/small.txt\n")
    assert kept(root) == {"app.py", "data", "data/small.txt", "sub", "sub/data", "sub/data/kept"}


def test_an_ignore_file_takes_in_what_is_left_out_elsewhere(tmp_path: Path) -> None:
    root = a_directory(tmp_path, ("app.py", "node_modules/a/index.js", ".venv/x", "specs/one.yaml", "hello.yaml"))
    for name in ("specs/one.yaml", "hello.yaml"):
        (root / name).write_text(SPEC)
    (root / ".outriderignore").write_text("!node_modules/\n!/specs/\n")
    found = kept(root, root / "hello.yaml")
    assert found == {"app.py", "node_modules", "node_modules/a", "node_modules/a/index.js", "specs", "specs/one.yaml"}


def test_what_is_ignored_may_be_what_no_archive_could_hold(tmp_path: Path) -> None:
    root = a_directory(tmp_path, ("app.py",))
    (root / "out").symlink_to("/etc")
    os.mkfifo(root / "pipe")
    (root / ".outriderignore").write_text("out\npipe\n")
    assert kept(root) == {"app.py"}


def test_an_ignore_file_that_cannot_be_read_is_a_problem_of_the_spec(tmp_path: Path) -> None:
    root = a_directory(tmp_path, ("app.py",))
    (root / ".outriderignore").write_bytes(b"\xff\xfe")
    with pytest.raises(SpecError, match=r"\.outriderignore cannot be used: .*one pattern per line"):
        directory_archive(root)


@pytest.mark.parametrize("kind", ["pipe", "link", "endless", "loop", "folder", "large", "nowhere"])
def test_an_ignore_file_that_is_a_pipe_a_link_or_endless_is_refused_and_not_read(tmp_path: Path, kind: str) -> None:
    (tmp_path / "elsewhere").write_text("secret [[[ text\n")
    root = tmp_path / "service"
    root.mkdir()
    (root / "app.py").write_text("")
    file = root / ".outriderignore"
    make: dict[str, Callable[[], object]] = {
        "pipe": lambda: os.mkfifo(file),
        "link": lambda: file.symlink_to(tmp_path / "elsewhere"),
        "endless": lambda: file.symlink_to("/dev/zero"),
        "loop": lambda: file.symlink_to(file),
        "folder": file.mkdir,
        "large": lambda: file.write_text("*.md\n" * 50_000),
        "nowhere": lambda: file.symlink_to(root / "missing"),
    }
    make[kind]()
    with pytest.raises(SpecError, match=r"\.outriderignore cannot be used: it ") as caught:
        directory_archive(root)
    assert "secret" not in str(caught.value)


def test_an_ignore_file_may_be_a_link_to_another_one_beside_it(tmp_path: Path) -> None:
    root = a_directory(tmp_path, ("app.py", "notes.md"))
    (root / ".gitignore").write_text("*.md\n")
    (root / ".outriderignore").symlink_to(".gitignore")
    assert kept(root) == {"app.py", ".gitignore"}
