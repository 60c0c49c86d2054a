"""Where a file lies, as git itself and the CI say."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from outrider.clients.repository import source_of
from outrider.settings import PipelineSettings, settings

NOBODY = PipelineSettings()


def git(folder: Path, *words: str) -> str:
    known = ("-c", "user.name=ana", "-c", "user.email=ana@example.com", "-c", "commit.gpgsign=false")
    done = subprocess.run(["git", "-C", str(folder), *known, *words], capture_output=True, check=True)
    return done.stdout.decode().strip()


@pytest.fixture
def spec(tmp_path: Path) -> Path:
    """A committed spec in a folder of a repository whose remote has a token in its address."""
    git(tmp_path, "init", "-q", ".")
    git(tmp_path, "remote", "add", "origin", "https://oauth2:s3cret@git.example/shop/checkout.git")
    file = tmp_path / "deploy" / "outrider.yaml"
    file.parent.mkdir()
    file.write_text("service: checkout\n")
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "-q", "-m", "one")
    return file


def test_a_committed_file_has_its_repository_commit_and_path_without_the_token(spec: Path) -> None:
    found = source_of(spec, NOBODY)
    assert found.repository == "https://git.example/shop/checkout.git"
    assert (found.path, found.commit) == ("deploy/outrider.yaml", git(spec.parent, "rev-parse", "HEAD"))
    assert not found.has_changes


def test_a_file_that_is_not_as_the_commit_has_it_says_so(spec: Path) -> None:
    spec.write_text("service: cart\n")
    assert source_of(spec, NOBODY).has_changes


def test_a_new_file_of_a_repository_has_its_path_there(spec: Path) -> None:
    beside = spec.with_name("cart.yaml")
    beside.write_text("service: cart\n")
    found = source_of(beside, NOBODY)
    assert (found.path, found.has_changes) == ("deploy/cart.yaml", True)


def test_a_file_outside_of_any_repository_has_its_path_on_this_machine(tmp_path: Path) -> None:
    file = tmp_path / "outrider.yaml"
    file.write_text("service: checkout\n")
    found = source_of(file, NOBODY)
    assert (found.path, found.repository, found.commit) == (str(file), None, None)


CASES: dict[str, tuple[dict[str, str], tuple[str | None, str | None, str | None]]] = {
    "GitHub": (
        {
            "GITHUB_SERVER_URL": "https://github.example",
            "GITHUB_REPOSITORY": "shop/checkout",
            "GITHUB_SHA": "c0ffee",
            "GITHUB_RUN_ID": "7",
        },
        ("https://github.example/shop/checkout", "c0ffee", "https://github.example/shop/checkout/actions/runs/7"),
    ),
    "GitLab": (
        {"CI_PROJECT_URL": "https://gl.example/a/b", "CI_COMMIT_SHA": "c0ffee", "CI_JOB_URL": "https://gl.example/j/1"},
        ("https://gl.example/a/b", "c0ffee", "https://gl.example/j/1"),
    ),
    "Jenkins": (
        {"GIT_URL": "https://git.example/a", "GIT_COMMIT": "c0ffee", "BUILD_URL": "https://ci.example/1"},
        ("https://git.example/a", "c0ffee", "https://ci.example/1"),
    ),
    "any, which wins": (
        {"OUTRIDER_REPOSITORY": "https://git.example/x", "OUTRIDER_RUN": "https://x/1", "CI_PROJECT_URL": "https://y"},
        ("https://git.example/x", None, "https://x/1"),
    ),
    "none": ({}, (None, None, None)),
}


@pytest.mark.parametrize("system", CASES)
def test_the_ci_system_says_what_it_runs(system: str, tmp_path: Path) -> None:
    environ, (repository, commit, run) = CASES[system]
    found = settings(environ, tmp_path / "none.toml").pipeline
    assert (found.repository, found.commit, found.run) == (repository, commit, run)


def test_in_a_pipeline_the_word_of_the_ci_goes_before_the_remote(spec: Path) -> None:
    told = PipelineSettings(
        "https://bot:t0ken@ci.example/shop/checkout", "c0ffee", "https://bot:t0ken@ci.example/run/1"
    )
    found = source_of(spec, told)
    assert (found.repository, found.run) == ("https://ci.example/shop/checkout", "https://ci.example/run/1")
    assert found.commit == git(spec.parent, "rev-parse", "HEAD"), "what lies there, whatever the CI was started for"
