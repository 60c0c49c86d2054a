"""The catalogue of add-ons: the files that Outrider brings, and those of a directory of the operators'."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING

from outrider_ground.errors import OutriderError

from outrider.spec.reading.addons import read_addon
from outrider.spec.reading.syntax import decoded

if TYPE_CHECKING:
    from collections.abc import Mapping

    from outrider.spec.addon import AddOn

OWN = "outrider.addons"


def catalogue(directory: str | None = None) -> Mapping[str, AddOn]:
    """By name; the operators' go before ours. SpecError for a file that cannot be used, OutriderError for a missing directory."""
    own = [read_addon(one.read_text(), one.name) for one in files(OWN).iterdir() if one.name.endswith(".yaml")]
    theirs = _of_directory(Path(directory)) if directory else []
    return {one.addon: one for one in (*sorted(own, key=lambda addon: addon.addon), *theirs)}


def _of_directory(directory: Path) -> list[AddOn]:
    try:
        found = sorted(file for file in directory.iterdir() if file.suffix in {".yaml", ".yml"})
        return [read_addon(decoded(file.read_bytes(), str(file)), str(file)) for file in found]
    except OSError as error:
        raise OutriderError(
            f"the add-ons in {directory} cannot be read: {error.strerror}",
            next_step="Correct `addons` of the platform file.",
        ) from error
