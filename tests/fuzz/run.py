"""Fuzzes each target for its share of the time: with atheris where it is installed, else with mutations by chance.

``cd tests && python -m fuzz.run [--seconds 60] [--only TARGET]``; exit 1 where a target failed, with the input's path.
Corpora that grow lie in ``.cache/fuzz``; a small file that found something belongs into ``tests/fuzz/corpus``.
"""

from __future__ import annotations

import argparse
import importlib
import importlib.util
import random
import subprocess
import sys
import time
import traceback
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
SEEDS = Path(__file__).resolve().parent / "corpus"
LARGEST = 16384  # bytes of one input
MEMORY = 512  # MB that an input may make a target take
SLOWEST = 10  # seconds that one input may take


def main() -> int:
    arguments = options()
    if arguments.child:
        return fuzz(arguments.only, arguments.seconds, arguments.findings)
    names = [arguments.only] if arguments.only else sorted(path.name for path in SEEDS.iterdir() if path.is_dir())
    share = max(1, round(arguments.seconds / len(names)))
    failed = [name for name in names if not passes(name, share, arguments.findings)]
    sys.stdout.write(f"fuzz: {'FAILED: ' + ', '.join(failed) if failed else 'nothing found'}\n")
    return 1 if failed else 0


def options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=int, default=60, help="for all targets together")
    parser.add_argument("--only", default="", help="one target")
    parser.add_argument("--findings", type=Path, default=ROOT / ".cache" / "fuzz", help="where inputs are kept")
    parser.add_argument("--child", action="store_true", help=argparse.SUPPRESS)
    return parser.parse_args()


def passes(name: str, seconds: int, findings: Path) -> bool:
    """One process for each target, since libFuzzer ends its own."""
    more = ["--child", "--only", name, "--seconds", str(seconds), "--findings", str(findings)]
    done = subprocess.run([sys.executable, "-m", "fuzz.run", *more], capture_output=True, text=True, check=False)
    lines = (done.stdout + done.stderr).splitlines()
    if done.returncode:
        sys.stdout.write("\n".join([*lines[-60:], f"{name}: FAILED", ""]))
        return False
    runs = next((line for line in reversed(lines) if line.startswith(("Done ", "tried "))), "")
    sys.stdout.write(f"{name}: {runs}\n")
    return True


def fuzz(name: str, seconds: int, findings: Path) -> int:
    """The child: does not return with atheris."""
    kept = findings / name
    kept.mkdir(parents=True, exist_ok=True)
    if importlib.util.find_spec("atheris") is None:
        return by_chance(name, seconds, kept)
    atheris: Any = importlib.import_module("atheris")
    with atheris.instrument_imports(include=["outrider_agent"]):
        targets = importlib.import_module("fuzz.targets")
    flags = [f"-max_total_time={seconds}", f"-max_len={LARGEST}", f"-rss_limit_mb={MEMORY}", f"-timeout={SLOWEST}"]
    atheris.Setup(
        ["fuzz", *flags, f"-artifact_prefix={kept}/found-", str(kept), str(SEEDS / name)], targets.TARGETS[name]
    )
    atheris.Fuzz()
    return 0


def by_chance(name: str, seconds: int, kept: Path) -> int:
    """Without coverage to learn from: seeds, changed a little."""
    target = importlib.import_module("fuzz.targets").TARGETS[name]
    chance = random.Random(seconds)
    seeds = [path.read_bytes() for path in sorted((SEEDS / name).iterdir())]
    until, tried = time.monotonic() + seconds, 0
    while time.monotonic() < until:
        data, tried = mutated(chance.choice(seeds), seeds, chance), tried + 1
        try:
            target(data)
        except Exception:  # noqa: BLE001  of whatever kind: that is what is looked for
            (kept / "found-by-chance").write_bytes(data)
            sys.stdout.write(f"{traceback.format_exc()}\nthe input is {kept / 'found-by-chance'}\n")
            return 1
    sys.stdout.write(f"tried {tried} inputs by chance\n")
    return 0


def mutated(data: bytes, seeds: list[bytes], chance: random.Random) -> bytes:
    for _ in range(chance.randint(1, 4)):
        start, other = chance.randint(0, len(data)), chance.choice(seeds)
        stop = min(len(data), start + chance.randint(0, 8))
        cut = chance.randint(0, len(other))
        inserted = chance.choice([chance.randbytes(chance.randint(0, 4)), other[cut : cut + 32], b""])
        data = data[:start] + inserted + data[stop:]
    return data


if __name__ == "__main__":
    sys.exit(main())
