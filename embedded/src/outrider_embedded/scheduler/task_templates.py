"""Templates of a task: rendered before it starts, watched and rendered anew while it runs."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from outrider_ground.errors import RemoteError
from outrider_ground.private import written_privately

from outrider_embedded import templates as consul_template
from outrider_embedded.scheduler.documents import Document
from outrider_embedded.scheduler.readings import Name, Readings
from outrider_embedded.template_objects import instances
from outrider_embedded.template_printf import as_bytes, as_text

Values = dict[Name, tuple[Any, int]]

_RETRY_S = 1.0


class TemplateError(ValueError):
    """A template that cannot be rendered or written; the task cannot start."""


class EnvironmentFileError(TemplateError):
    """The text of an environment file that holds something else than ``NAME=value``."""


@dataclass(slots=True)
class TaskTemplates:
    """All templates of one task and what they read; ``values`` pairs each value with its index."""

    templates: list[Document]
    directory: Path
    environment: Mapping[str, str]
    readings: Readings
    values: Values = field(default_factory=Values)
    texts: dict[int, str] = field(default_factory=dict[int, str])

    async def render(self, on_missing: Callable[[list[str]], None]) -> None:
        """Render and write all; each is written as soon as it is whole, so that the next may read it.

        Waits for keys that must exist; ``on_missing`` hears of all that are missing, sorted, whenever they change.
        """
        told: list[str] = []
        while True:
            found = [self._written(number)[0] for number in range(len(self.templates))]
            missing = sorted({what for one in found for what in one.missing})
            unread = self._unread(found)
            if not missing and not unread:
                return
            if await self._has_read(unread):
                continue
            if missing != told:
                told = missing
                on_missing(missing)
            await (self._first_values(unread) if unread else self._next_change())

    def variables(self) -> dict[str, str]:
        """The variables of templates that are environment files."""
        texts = [self.texts[number] for number, one in enumerate(self.templates) if one["Envvars"]]
        return {name: value for text in texts for name, value in environment_file(text).items()}

    async def watch(self, on_change: Callable[[list[Document]], Awaitable[None]]) -> None:
        """Render anew at each change of something that the templates read. Runs until cancelled."""
        if not self.values:
            return
        while True:
            await self._next_change()
            changed = await self._changes()
            if changed:
                await on_change(changed)

    async def _changes(self) -> list[Document]:
        """The templates whose text is new; one that misses something keeps the text it has."""
        changed: dict[int, Document] = {}
        while True:
            found = [self._written(number) for number in range(len(self.templates))]
            changed |= {number: self.templates[number] for number, (_, is_new) in enumerate(found) if is_new}
            unread = self._unread([one for one, _ in found])
            if not unread:
                return [changed[number] for number in sorted(changed)]
            await self._first_values(unread)

    def _written(self, number: int) -> tuple[consul_template.Rendered, bool]:
        """A template rendered with what is known, and whether its text was new and whole, and so is written."""
        template = self.templates[number]
        found = _rendered(self.directory, template, self.environment, self.values, has_vault=self.readings.has_vault)
        is_new = not found.missing and not self._unread([found]) and self.texts.get(number) != found.text
        if is_new:
            self.texts[number] = found.text
            _write(self.directory, template, found.text)
        return found, is_new

    def _unread(self, found: list[consul_template.Rendered]) -> list[Name]:
        return [name for one in found for name in one.reads if name not in self.values]

    async def _next_change(self) -> None:
        watches = [asyncio.create_task(self._changed(name)) for name in self.values]
        try:
            await asyncio.wait(watches, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for watch in watches:
                watch.cancel()
            await asyncio.gather(*watches, return_exceptions=True)

    async def _changed(self, name: Name) -> None:
        """Return when the value is another one."""
        value, index = self.values[name]
        while True:
            new_value, index = await self._value(name, index)
            if new_value != value:
                self.values[name] = (new_value, index)
                return

    async def _value(self, name: Name, index: int) -> tuple[Any, int]:
        while True:
            try:
                value, new_index = await self.readings.watched(name, index)
            except RemoteError:
                await asyncio.sleep(_RETRY_S)
            else:
                return value, new_index if new_index >= index else 0

    async def _has_read(self, names: list[Name]) -> bool:
        """Ask for these once; whether Consul has answered for all, and there were any."""
        for name in names:
            try:
                self.values[name] = await self.readings.watched(name, 0)
            except RemoteError:
                return False
        return bool(names)

    async def _first_values(self, names: list[Name]) -> None:
        """Wait for Consul to say what these are."""
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
    directory: Path, template: Document, environment: Mapping[str, str], values: Values, *, has_vault: bool
) -> consul_template.Rendered:
    def value(kind: str, path: str) -> Any:
        return values.get((kind, path), (None, 0))[0]

    def key_value(name: str) -> str | None:
        found = value("key", name)
        return None if found is None else as_text(found)

    def keys_below(prefix: str) -> dict[str, str]:
        found: Mapping[str, bytes] = value("prefix", prefix) or {}
        return {name: as_text(one) for name, one in found.items()}

    lookups = consul_template.Lookups(
        instances=lambda name: instances(value("service", name) or ()),
        below=keys_below,
        catalog=lambda what: value("catalog", what),
        secret=(lambda path: value("secret", path)) if has_vault else None,
        variable=lambda path: value("variable", path),
        variables=lambda prefix: value("variables", prefix) or (),
        file=lambda path: _file(directory, path),
    )
    source = _source(directory, template)
    delimiters = (template["LeftDelim"], template["RightDelim"])
    try:
        return consul_template.rendered(source, environment, key_value, lookups, delimiters)
    except consul_template.TemplateError as error:
        raise TemplateError(str(error)) from error


def _file(directory: Path, path: str) -> str:
    """A file of the task, by its path on this machine: Nomad lets templates read no other."""
    try:
        found = Path(path).resolve(strict=True)
        if not found.is_relative_to(directory.resolve()):
            raise ValueError(f"'{path}' is outside of sandbox")
        return as_text(found.read_bytes())
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise ValueError(f"failed to resolve target path: lstat {path}: {reason}") from error


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
