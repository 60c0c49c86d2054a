"""A changed platform file is taken whole or not at all, without a restart."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from fakes.world import ADA
from outrider_harness.waiting import until

from outrider.documents import MOST_SPEC_BYTES
from outrider.operations.answers.platform import PlatformState
from outrider.operations.records import Draft
from outrider.programs.platform_watch import PlatformWatch, watched_platform
from outrider.settings import Settings
from outrider.spec.reading.files import read_platform
from outrider.store.store import SqlStore
from outrider.wiring.application import live_application
from outrider.wiring.live import LiveApplication

HERE = """
environments:
  stage:
    nomad: {address: "http://127.0.0.1:1"}
    consul: {address: "http://127.0.0.1:2"}
    driver: raw_exec
    network: {mode: host}
    defaults: {timeout: 5s}
"""
PRODUCTION = """
  production:
    nomad: {address: "http://127.0.0.1:3"}
    consul: {address: "http://127.0.0.1:4"}
    driver: raw_exec
    network: {mode: host}
"""
AN_HOUR_S = 3600.0
PORTAL = 'portal: {url: "http://127.0.0.1:7070"}\n'


@pytest.fixture
def file(tmp_path: Path) -> Path:
    made = tmp_path / "platform.yaml"
    write(made, HERE + PORTAL)
    return made


@pytest.fixture
async def live(tmp_path: Path, file: Path) -> AsyncGenerator[LiveApplication]:
    own = Settings(database=f"sqlite:///{tmp_path / 'portal.db'}", data_directory=tmp_path)
    async with live_application(own, read_platform(HERE + PORTAL, str(file))) as made:
        yield made


@pytest.fixture
async def watch(live: LiveApplication, file: Path) -> AsyncGenerator[PlatformWatch]:
    async with watching(live, file, 0.02) as made:
        yield made


@asynccontextmanager
async def watching(live: LiveApplication, file: Path, look_s: float) -> AsyncGenerator[PlatformWatch]:
    made = PlatformWatch(live, file, look_s)
    task = asyncio.create_task(made.run())
    try:
        yield made
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


def write(file: Path, content: str) -> None:
    file.write_text(content)


def remove(file: Path) -> None:
    file.unlink()


def mounted(file: Path, directory: Path) -> str:
    """The file becomes a link into a directory that is a link itself."""
    for name, content in (("one", HERE + PORTAL), ("two", HERE.replace("5s", "3s") + PORTAL)):
        (directory / name).mkdir()
        write(directory / name / "platform.yaml", content)
    (directory / "data").symlink_to("one")
    file.unlink()
    file.symlink_to(Path("data") / "platform.yaml")
    return "mounted"


def swap(directory: Path) -> None:
    (directory / "data2").symlink_to("two")
    (directory / "data2").rename(directory / "data")


def state(live: LiveApplication) -> PlatformState:
    return live.now.in_force(ADA)


async def taken(live: LiveApplication, file: Path, content: str) -> PlatformState:
    """The state after the content is in force."""
    before = state(live).hash
    write(file, content)
    await _until(lambda: state(live).hash != before)
    return state(live)


async def refused(live: LiveApplication, file: Path, content: str) -> tuple[str, ...]:
    """Why the content is not in force."""
    write(file, content)
    await _until(lambda: state(live).refused is not None)
    found = state(live).refused
    assert found is not None
    return found.problems


async def _until(holds: object) -> None:
    async def asked() -> bool:
        return bool(holds())  # type: ignore[operator]

    await until(asked)


async def deployed(live: LiveApplication, environment: str) -> None:
    await live.now.store.versions.add_version(
        Draft(environment, "checkout", "0" * 12, "http", "outrider.yaml", "", {}, {}, None, (), "ada", 1)
    )


async def renamed(live: LiveApplication, before: str, after: str) -> None:
    """A table that has another name: every question to it fails as one to a broken database."""
    store = live.now.store
    assert isinstance(store, SqlStore)
    async with store.database.writing() as connection:
        await connection.exec_driver_sql(f"ALTER TABLE {before} RENAME TO {after}")


@pytest.mark.usefixtures("watch")
async def test_a_changed_default_is_in_force_without_a_restart_and_shown_as_a_difference(
    live: LiveApplication, file: Path
) -> None:
    before = live.now.environments["stage"]
    found = await taken(live, file, HERE.replace("5s", "3s") + PORTAL)
    (change,) = found.changes
    assert (change.path, change.before, change.after) == ("environments.stage.defaults.timeout", "5s", "3s")
    after = live.now.environments["stage"]
    assert after.platform is live.now.platform is live.now.changes.platform
    assert after.nomad is before.nomad
    assert live.now.changes.environments is live.now.environments
    # Whoever began something goes on with what was then.
    assert before.platform is not after.platform


async def test_what_was_rendered_under_the_platform_before_is_not_remembered(live: LiveApplication, file: Path) -> None:
    before = live.now.environments["stage"]
    before.outcomes["checkout"] = "rendered"
    await live.take(read_platform(HERE.replace("5s", "3s") + PORTAL, str(file)))
    assert (before.outcomes, live.now.environments["stage"].outcomes) == ({"checkout": "rendered"}, {})


@pytest.mark.usefixtures("watch")
async def test_a_new_environment_comes_up_with_an_observer(live: LiveApplication, file: Path) -> None:
    found = await taken(live, file, HERE + PRODUCTION + PORTAL)
    assert found.environments == ("stage", "production")
    assert set(live.now.observers) == {"stage", "production"}
    assert live.now.observers["production"].is_running  # type: ignore[attr-defined]
    assert live._runner._environments["production"] is live.now.environments["production"]


@pytest.mark.usefixtures("watch")
async def test_a_wrong_file_is_refused_whole_and_said_so_until_it_is_mended(live: LiveApplication, file: Path) -> None:
    before = live.now.platform
    problems = await refused(live, file, HERE.replace("timeout: 5s", "timeuot: 3s") + PRODUCTION + PORTAL)
    assert any("timeuot" in one for one in problems)
    assert live.now.platform is before
    assert "refuses the changed platform file" in (state(live).problem or "")
    write(file, HERE + PORTAL)
    await _until(lambda: state(live).refused is None)
    assert state(live).problem is None


@pytest.mark.usefixtures("watch")
async def test_a_file_that_is_gone_leaves_the_one_before_in_force(live: LiveApplication, file: Path) -> None:
    remove(file)
    await _until(lambda: state(live).refused is not None)
    found = state(live).refused
    assert found is not None
    assert "cannot be read" in found.problems[0]
    assert list(live.now.environments) == ["stage"]


@pytest.mark.usefixtures("watch")
@pytest.mark.parametrize(
    ("content", "said"),
    [
        (HERE + PORTAL.replace("7070", "7071"), "portal: "),
        (HERE.replace("127.0.0.1:1", "127.0.0.1:9") + PORTAL, "environments.stage: its Nomad or Consul"),
        (HERE.replace("127.0.0.1:2", "127.0.0.1:9") + PORTAL, "environments.stage: its Nomad or Consul"),
        (HERE.replace("stage", "test") + PORTAL, "environments.stage: it cannot go"),
    ],
)
async def test_what_cannot_change_while_services_run_is_refused_with_the_way_out(
    live: LiveApplication, file: Path, content: str, said: str
) -> None:
    await deployed(live, "stage")
    (problem,) = await refused(live, file, content)
    assert problem.startswith(said)
    assert problem.endswith("restart the portal")
    found = state(live).refused
    assert found is not None
    assert found.changes


@pytest.mark.usefixtures("watch")
async def test_an_environment_without_services_may_move_and_go(live: LiveApplication, file: Path) -> None:
    observer, before = live.now.observers["stage"], live.now.environments["stage"]
    await taken(live, file, HERE.replace("127.0.0.1:1", "127.0.0.1:9") + PORTAL)
    assert live.now.environments["stage"].nomad is not before.nomad
    await _until(lambda: not observer.is_running)  # type: ignore[attr-defined]
    await taken(live, file, HERE.replace("stage", "test") + PORTAL)
    assert list(live.now.environments) == list(live.now.observers) == ["test"]


@pytest.mark.usefixtures("watch")
async def test_a_link_that_leads_to_another_file_is_followed(live: LiveApplication, file: Path, tmp_path: Path) -> None:
    """As a mounted ConfigMap is changed: the data directory behind two links is another one at once."""
    before = mounted(file, tmp_path), state(live).hash
    swap(tmp_path)
    await _until(lambda: state(live).hash not in {*before, ""})
    assert state(live).changes[0].after == "3s"


async def test_sighup_reads_the_file_at_once(live: LiveApplication, file: Path) -> None:
    async with watched_platform(live, file):
        write(file, HERE.replace("5s", "3s") + PORTAL)
        os.kill(os.getpid(), signal.SIGHUP)
        await _until(lambda: state(live).changes)


async def test_a_file_that_is_asked_for_is_taken_without_a_second_look(live: LiveApplication, file: Path) -> None:
    async with watching(live, file, AN_HOUR_S) as watch:
        write(file, HERE.replace("5s", "3s") + PORTAL)
        watch.ring()
        await _until(lambda: state(live).changes)


@pytest.mark.usefixtures("watch")
async def test_a_file_that_changes_while_the_database_is_away_is_in_force_once_that_answers(
    live: LiveApplication, file: Path
) -> None:
    await renamed(live, "services", "services_away")
    (problem,) = await refused(live, file, HERE.replace("5s", "3s") + PORTAL)
    assert problem.startswith("the database does not answer")
    told = state(live).refused
    await asyncio.sleep(0.2)  # some looks more: the same is told once
    assert state(live).refused is told
    await renamed(live, "services_away", "services")
    await _until(lambda: state(live).changes)
    assert state(live).refused is None


async def test_whoever_shows_the_application_is_told_of_each_new_one(live: LiveApplication, file: Path) -> None:
    shown: list[object] = []
    live.shown_by(shown.append)
    await live.take(read_platform(HERE.replace("5s", "3s") + PORTAL, str(file)))
    assert shown[-1] is live.now
    assert len(shown) == 2


async def test_a_file_that_is_still_being_written_is_taken_once_it_looks_the_same_twice(
    live: LiveApplication, file: Path
) -> None:
    async with watching(live, file, 0.5):
        before, shown = state(live), list[str | None]()
        # Other bytes at each look: none of them was there twice until the last.
        for number in range(30):
            write(file, HERE.replace("5s", f"{number + 10}s") + PORTAL)
            shown.append(state(live).hash)
            await asyncio.sleep(0.1)
        await _until(lambda: state(live).hash != before.hash)
    assert set(shown) == {before.hash}
    assert [change.after for change in state(live).changes] == ["39s"]


async def test_who_asks_once_is_answered_once(live: LiveApplication, file: Path) -> None:
    async with watching(live, file, AN_HOUR_S) as watch:
        write(file, HERE.replace("5s", "3s") + PORTAL)
        watch.ring()
        await _until(lambda: state(live).changes)
        write(file, HERE.replace("5s", "4s") + PORTAL)
        await asyncio.sleep(0.3)  # nobody asks any more, and the next look is an hour away
        assert [change.after for change in state(live).changes] == ["3s"]


@pytest.mark.usefixtures("watch")
async def test_a_file_is_as_large_as_it_may_be_and_not_a_byte_larger(live: LiveApplication, file: Path) -> None:
    text = HERE.replace("5s", "3s") + PORTAL
    padded = text + "#" * (MOST_SPEC_BYTES - len(text))
    for longer in ("#", "é"):  # of the second no more than a half is read
        (problem,) = await refused(live, file, padded + longer)
        assert "the file is larger than 1 MB" in problem
        await taken(live, file, text.replace("3s", f"{ord(longer)}s"))
    assert (await taken(live, file, padded)).refused is None
