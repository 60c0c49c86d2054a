from __future__ import annotations

import subprocess
from pathlib import Path

from outrider.programs.demonstration.processes import processes_below, still_running


def test_a_process_is_found_by_the_folder_it_works_in_and_missed_once_it_has_ended(tmp_path: Path) -> None:
    inside = tmp_path / "inside"
    inside.mkdir()
    with subprocess.Popen(["sleep", "60"], cwd=inside) as started:
        (found,) = processes_below(tmp_path)
        assert (found.number, found.program) == (started.pid, "sleep")
        assert still_running((found,)) == (found,)
        started.kill()
    assert still_running((found,)) == ()


def test_a_folder_whose_name_only_begins_alike_is_another_folder(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "ab").mkdir()
    with subprocess.Popen(["sleep", "60"], cwd=tmp_path / "ab") as started:
        assert processes_below(tmp_path / "a") == ()
        started.kill()
