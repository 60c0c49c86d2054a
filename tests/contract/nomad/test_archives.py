"""What Nomad's getter makes of an archive, embedded and real: links, too many files, none at all, and what we pack."""

from __future__ import annotations

import functools
import io
import tarfile
import threading
from collections.abc import Generator
from contextlib import contextmanager
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from outrider_harness.nomad_calls import SECOND, NomadCalls, job, script, update

from outrider.clients.archive import directory_archive
from outrider.clients.directory import NOMADS_MOST_ENTRIES

PATIENT = update(HealthyDeadline=60 * SECOND, ProgressDeadline=90 * SECOND, MinHealthyTime=0)
ONCE = {"Attempts": 0, "Interval": 60 * SECOND, "Delay": SECOND // 5, "Mode": "fail"}
LOOK = "cd local; stat -c '%F %s %n' *; cat current/a.txt; echo; while true; do sleep 0.1; done"


@contextmanager
def served(folder: Path) -> Generator[str]:
    handler = functools.partial(SimpleHTTPRequestHandler, directory=str(folder))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()
        thread.join()


@pytest.fixture
def store(tmp_path: Path) -> Generator[tuple[Path, str]]:
    """A folder, and the address under which its files are served."""
    (tmp_path / "store").mkdir()
    with served(tmp_path / "store") as address:
        yield tmp_path / "store", address


def tar(*members: tarfile.TarInfo) -> bytes:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as archive:
        for member in members:
            archive.addfile(member, io.BytesIO(b"x" * member.size))
    return packed.getvalue()


def member(name: str, kind: bytes = tarfile.REGTYPE, target: str = "", size: int = 0) -> tarfile.TarInfo:
    made = tarfile.TarInfo(name)
    made.type, made.linkname, made.size = kind, target, size
    return made


def fetching(name: str, url: str) -> dict[str, Any]:
    artifact = {"GetterSource": url, "RelativeDest": "local/"}
    return job(name, script("app", LOOK, RestartPolicy=ONCE, Artifacts=[artifact]), Update=PATIENT)


class TestArchives:
    """An artifact that is an archive."""

    async def test_a_link_becomes_an_empty_file(self, calls: NomadCalls, store: tuple[Path, str]) -> None:
        folder, address = store
        links = (member("link", tarfile.SYMTYPE, "real"), member("hard", tarfile.LNKTYPE, "real"))
        (folder / "links.tar.gz").write_bytes(tar(member("real", size=5), *links))
        await calls.healthy(fetching("archive-links", f"{address}/links.tar.gz"))
        found = await calls.allocation("archive-links")
        listed = await calls.written(found["ID"], "alloc/logs/app.stdout.0")
        assert {"regular empty file 0 link", "regular empty file 0 hard", "regular file 5 real"} <= set(
            listed.split("\n")
        )

    async def test_what_we_pack_of_links_is_what_they_lead_to(
        self, calls: NomadCalls, store: tuple[Path, str], tmp_path: Path
    ) -> None:
        folder, address = store
        app = tmp_path / "an-app"
        (app / "lib").mkdir(parents=True)
        (app / "lib" / "a.txt").write_text("by a link")
        (app / "current").symlink_to("lib")
        (app / "b.txt").symlink_to("lib/a.txt")
        (folder / "directory.tar.gz").write_bytes(b"".join(directory_archive(app).pieces()))
        await calls.healthy(fetching("archive-packed", f"{address}/directory.tar.gz"))
        found = await calls.allocation("archive-packed")
        listed = (await calls.written(found["ID"], "alloc/logs/app.stdout.0")).split("\n")
        assert "regular file 9 b.txt" in listed
        assert "by a link" in listed

    @pytest.mark.parametrize(
        ("name", "reason"), [("many", "tar archive contains too many files: 4097 > 4096"), ("none", "empty archive")]
    )
    async def test_an_archive_of_too_many_files_or_of_none_is_refused(
        self, calls: NomadCalls, store: tuple[Path, str], name: str, reason: str
    ) -> None:
        folder, address = store
        members = {
            "many": [member(f"f{number}") for number in range(NOMADS_MOST_ENTRIES + 1)],
            "none": [member("folder", tarfile.DIRTYPE)],
        }
        (folder / f"{name}.tar.gz").write_bytes(tar(*members[name]))
        await calls.register(fetching(f"archive-{name}", f"{address}/{name}.tar.gz"))
        await calls.deployed(f"archive-{name}", "failed")
        (found,) = await calls.allocations(f"archive-{name}", is_live=False)
        state = (await calls.get(f"/v1/allocation/{found['ID']}"))["TaskStates"]["app"]
        told = [event["DisplayMessage"] for event in state["Events"] if event["Type"] == "Failed Artifact Download"]
        assert reason in told[-1]

    async def test_as_many_files_as_we_do_not_warn_of_are_taken(
        self, calls: NomadCalls, store: tuple[Path, str]
    ) -> None:
        folder, address = store
        most = tar(*(member(f"f{number}") for number in range(NOMADS_MOST_ENTRIES)))
        (folder / "most.tar.gz").write_bytes(most)
        await calls.healthy(fetching("archive-most", f"{address}/most.tar.gz"))
