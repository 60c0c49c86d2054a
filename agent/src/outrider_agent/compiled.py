"""Imports the package from code that is compiled already (see ``archive_start``), and runs its main."""

from __future__ import annotations

import importlib
import sys
from importlib.machinery import ModuleSpec
from types import CodeType, ModuleType

PACKAGE = "outrider_agent"


class Compiled:
    """A finder and loader of modules; each code is used once, and then let go: ``codes`` itself is emptied."""

    def __init__(self, codes: dict[str, CodeType]) -> None:
        self._codes = codes

    def find_spec(self, name: str, _path: object = None, _target: object = None, /) -> ModuleSpec | None:
        return ModuleSpec(name, self, is_package=name == PACKAGE) if name in self._codes else None  # pyright: ignore[reportArgumentType]  a loader by its methods

    def create_module(self, _spec: object) -> None:
        """Python's own kind of module will do."""

    def exec_module(self, module: ModuleType) -> None:
        exec(self._codes.pop(module.__name__), module.__dict__)  # noqa: S102  what an import does


def main(codes: dict[str, CodeType]) -> int:
    del sys.argv[0]  # -c; the archive follows
    sys.meta_path.insert(0, Compiled(codes))
    return importlib.import_module(f"{PACKAGE}.__main__").main()


if __name__ == "__main__":
    sys.exit(main(globals().pop("codes")))
