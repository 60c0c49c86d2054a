"""The file that keeps a cluster's variables over a restart: what is kept in a volume may be locked by a password in them."""

from __future__ import annotations

import json
import sys
from functools import partial
from pathlib import Path

from outrider_ground.private import written_privately

from outrider_embedded.scheduler.documents import Document
from outrider_embedded.scheduler.state import State


def kept_state(file: Path, *, has_vault: bool = False) -> State:
    """A fresh state with the variables of the file, which is then written whenever one changes; nobody else may read it."""
    variables = _read(file)
    last = max((one["ModifyIndex"] for one in variables.values()), default=0)
    state = State(variables=variables, on_variables=partial(_write, file), has_vault=has_vault)
    state.index = max(state.index, last)
    if variables:
        state.indexes["variables"] = last
    return state


def _read(file: Path) -> dict[str, Document]:
    """None of them where there is no file; one that cannot be read is told, and left for whoever looks."""
    try:
        return json.loads(file.read_text())
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        print(f"the variables in {file} cannot be read, and are left out: {error}", file=sys.stderr)
        file.rename(file.with_suffix(".unreadable"))
        return {}


def _write(file: Path, variables: dict[str, Document]) -> None:
    """First beside it: a crash leaves the old file or the new one."""
    beside = file.with_suffix(".new")
    written_privately(beside, json.dumps(variables).encode())
    beside.replace(file)
