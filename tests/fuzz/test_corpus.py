"""The kept inputs of the fuzzer, and a few seconds of new ones (``make fuzz`` takes a minute)."""

from __future__ import annotations

import random
import subprocess
import sys
from pathlib import Path

import pytest
from fuzz.run import mutated
from fuzz.targets import TARGETS

TESTS = Path(__file__).resolve().parents[1]
CORPUS = TESTS / "fuzz" / "corpus"
INPUTS = [pytest.param(path, id=f"{path.parent.name}/{path.name}") for path in sorted(CORPUS.glob("*/*"))]


def test_every_target_has_a_corpus_and_every_corpus_a_target() -> None:
    assert {path.name for path in CORPUS.iterdir()} == set(TARGETS)


@pytest.mark.parametrize("path", INPUTS)
def test_a13_a_kept_input_harms_nothing(path: Path) -> None:
    TARGETS[path.parent.name](path.read_bytes())


@pytest.mark.parametrize("name", sorted(TARGETS))
def test_a13_changed_inputs_harm_nothing(name: str) -> None:
    seeds = [path.read_bytes() for path in sorted((CORPUS / name).iterdir())]
    chance = random.Random(name)
    for _ in range(1000):
        TARGETS[name](mutated(chance.choice(seeds), seeds, chance))


def test_a13_the_fuzzer_finds_nothing_in_a_few_seconds(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "fuzz.run", "--seconds", "6", "--findings", str(tmp_path)]
    done = subprocess.run(command, cwd=TESTS, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr
