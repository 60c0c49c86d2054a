"""The functions by which a template reads from outside: the task's own environment and files, and all other sources."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from outrider_embedded.template_catalog import CatalogSource
from outrider_embedded.template_keys import KeySource
from outrider_embedded.template_lookups import Lookups, MissingSourceError, ReadRecord
from outrider_embedded.template_variables import VariableSource


class Sources:
    """All sources of one rendering; ``record`` keeps what was read of them."""

    def __init__(
        self,
        environment: Mapping[str, str],
        key_value: Callable[[str], str | None],
        lookups: Lookups,
    ) -> None:
        self.record = ReadRecord()
        self._environment = environment
        self._key_value = key_value
        self._lookups = lookups

    def functions(self) -> dict[str, Callable[..., Any]]:
        """By the name that templates call them."""
        keys = KeySource(self._key_value, self._lookups, self.record)
        others = (keys, CatalogSource(self._lookups, self.record), VariableSource(self._lookups, self.record))
        own = {
            "env": self._env,
            "mustEnv": self._must_env,
            "envOrDefault": self._env_or_default,
            "file": self._file,
        }
        return own | {name: function for one in others for name, function in one.functions().items()}

    def _env(self, name: str) -> str:
        return self._environment.get(name, "")

    def _env_or_default(self, name: str, default: str) -> str:
        return self._environment.get(name, default)

    def _must_env(self, name: str) -> str:
        if not self._environment.get(name):
            raise ValueError(f"required environment variable {name} is empty")
        return self._environment[name]

    def _file(self, path: str) -> str:
        if not path:
            return ""
        if self._lookups.file is None:
            raise MissingSourceError("files", path, "Use a Consul key.")
        text = self._lookups.file(path.strip())
        self.record.note("file", path.strip())
        return text
