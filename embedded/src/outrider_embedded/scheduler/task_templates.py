"""Templates of a task: rendered before it starts, watched and rendered anew while it runs."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from outrider_ground.errors import RemoteError
from outrider_ground.private import written_privately

from outrider_embedded import templates as consul_template
from outrider_embedded.scheduler.consul import ConsulAgent
from outrider_embedded.scheduler.documents import Document
from outrider_embedded.template_functions import as_bytes, as_text

Values = dict[str, tuple[bytes | None, int]]

_RETRY_S = 1.0


class TemplateError(ValueError):
    """A template that cannot be rendered or written; the task cannot start."""


class EnvironmentFileError(TemplateError):
    """The text of an environment file that holds something else than ``NAME=value``."""


def _tell_nobody(_: list[str]) -> None:
    """A task that runs keeps the files it has; what a template waits for then changes nothing."""


@dataclass(slots=True)
class TaskTemplates:
    """All templates of one task and the keys that they read; ``values`` pairs each key's value with its index."""

    templates: list[Document]
    directory: Path
    environment: Mapping[str, str]
    consul: ConsulAgent
    values: Values = field(default_factory=Values)
    texts: dict[int, str] = field(default_factory=dict[int, str])

    async def render(self, on_missing: Callable[[list[str]], None] = _tell_nobody) -> list[Document]:
        """Render and write; returns the templates whose text is new.

        Waits for keys that must exist; ``on_missing`` hears of all that are missing, sorted, whenever they change.
        """
        changed: list[Document] = []
        texts = await self._texts(on_missing)
        for number, (template, text) in enumerate(zip(self.templates, texts, strict=True)):
            if self.texts.get(number) != text:
                self.texts[number] = text
                _write(self.directory, template, text)
                changed.append(template)
        return changed

    def variables(self) -> dict[str, str]:
        """The variables of templates that are environment files."""
        texts = [self.texts[number] for number, one in enumerate(self.templates) if one["Envvars"]]
        return {name: value for text in texts for name, value in environment_file(text).items()}

    async def watch(self, on_change: Callable[[list[Document]], Awaitable[None]]) -> None:
        """Render anew at each change of a key that the templates read. Runs until cancelled."""
        if not self.values:
            return
        while True:
            await self._next_change()
            changed = await self.render()
            if changed:
                await on_change(changed)

    async def _next_change(self) -> None:
        watches = [asyncio.create_task(self._changed(name)) for name in self.values]
        try:
            await asyncio.wait(watches, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for watch in watches:
                watch.cancel()
            await asyncio.gather(*watches, return_exceptions=True)

    async def _changed(self, name: str) -> None:
        """Return when the key's value is another one."""
        value, index = self.values[name]
        while True:
            new_value, index = await self._value(name, index)
            if new_value != value:
                self.values[name] = (new_value, index)
                return

    async def _value(self, name: str, index: int) -> tuple[bytes | None, int]:
        while True:
            try:
                value, new_index = await self.consul.watched_key(name, index)
            except RemoteError:
                await asyncio.sleep(_RETRY_S)
            else:
                return value, new_index if new_index >= index else 0

    async def _texts(self, on_missing: Callable[[list[str]], None]) -> list[str]:
        """The texts of all templates, once nothing that they read is missing."""
        told: list[str] = []
        while True:
            found = [
                _rendered(_source(self.directory, one), one, self.environment, self.values) for one in self.templates
            ]
            missing = sorted({what for one in found for what in one.missing})
            unread = [name for one in found for name in one.keys if name not in self.values]
            if not missing and not unread:
                return [one.text for one in found]
            if await self._has_read(unread):
                continue
            if missing != told:
                told = missing
                on_missing(missing)
            await (self._first_values(unread) if unread else self._next_change())

    async def _has_read(self, names: list[str]) -> bool:
        """Ask for these keys once; whether Consul has answered for all, and there were any."""
        for name in names:
            try:
                self.values[name] = await self.consul.watched_key(name, 0)
            except RemoteError:
                return False
        return bool(names)

    async def _first_values(self, names: list[str]) -> None:
        """Wait for Consul to say what these keys are."""
        for name in names:
            self.values[name] = await self._value(name, 0)


def environment_file(text: str) -> dict[str, str]:
    """``NAME=value`` lines as Nomad reads them: comments, ``export``, and values in quotes, JSON's among them."""
    variables: dict[str, str] = {}
    for number, line in enumerate(text.splitlines(), 1):
        name, equals, value = line.strip().removeprefix("export ").partition("=")
        if not name or name.startswith("#"):
            continue
        if not equals:
            raise EnvironmentFileError(f"error on line {number}: missing =")
        variables[name.strip()] = _unquoted(value.strip())
    return variables


def _unquoted(value: str) -> str:
    if value.startswith('"'):
        try:
            return json.loads(value, strict=False)
        except ValueError as error:
            raise EnvironmentFileError(f"{error}: {value}") from error
    if value.startswith("'"):
        return value[1:].partition("'")[0]
    return value.partition(" #")[0].rstrip()


def _rendered(
    source: str, template: Document, environment: Mapping[str, str], values: Values
) -> consul_template.Rendered:
    def key_value(name: str) -> str | None:
        value = values.get(name, (None, 0))[0]
        return None if value is None else as_text(value)

    delimiters = (template["LeftDelim"], template["RightDelim"])
    try:
        return consul_template.rendered(source, environment, key_value, delimiters=delimiters)
    except consul_template.TemplateError as error:
        raise TemplateError(str(error)) from error


def _source(directory: Path, template: Document) -> str:
    if template["EmbeddedTmpl"]:
        return template["EmbeddedTmpl"]
    try:
        return (directory / template["SourcePath"]).read_text(encoding="utf-8")
    except OSError as error:
        raise TemplateError(f"cannot read the template {template['SourcePath']}: {error.strerror}") from error


def _write(directory: Path, template: Document, text: str) -> None:
    target = (directory / template["DestPath"]).resolve()
    if not target.is_relative_to(directory.parent.resolve()):
        raise TemplateError("template destination escapes alloc directory")
    target.parent.mkdir(parents=True, exist_ok=True)
    fresh = target.with_name(f".{target.name}.rendered")
    written_privately(fresh, as_bytes(text), int(template["Perms"] or "0644", 8))
    _give(fresh, template)
    fresh.replace(target)  # whoever reads it while it is written anew reads one or the other


def _give(file: Path, template: Document) -> None:
    """To the user that the template names; only root can, and everyone else's tasks run as the cluster does."""
    owner, group = (-1 if template[name] is None else int(template[name]) for name in ("Uid", "Gid"))
    if os.geteuid() == 0:
        os.chown(file, owner, group)
