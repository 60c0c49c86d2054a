"""What a task needs before its process starts: artifacts, templates, the command, the files for its output."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass
from pathlib import Path

from outrider_embedded.logs import RotatingLog
from outrider_embedded.scheduler import artifacts, host_volumes, task_events
from outrider_embedded.scheduler.documents import Document, fields, rows, words
from outrider_embedded.scheduler.environment import driver_config, interpolated, interpolated_document
from outrider_embedded.scheduler.orphans import Ledger
from outrider_embedded.scheduler.process import Command, executable
from outrider_embedded.scheduler.readings import Readings
from outrider_embedded.scheduler.task_templates import EnvironmentFileError, TaskTemplates, TemplateError

_MEGABYTE = 1 << 20


@dataclass(frozen=True, slots=True)
class TaskContext:
    """What a task finds on this node."""

    node: Document
    readings: Readings
    ledger: Ledger
    directory: Path
    logs: Path
    is_service: bool = True


class TaskSetup:
    """The files and the command of one task."""

    def __init__(self, task: Document, environment: Mapping[str, str], context: TaskContext) -> None:
        self._task, self._environment, self._context = task, environment, context
        said = [_with_paths(template, environment, context.node) for template in rows(task["Templates"])]
        self.templates = TaskTemplates(said, context.directory, environment, context.readings)
        self._has_artifacts = not task["Artifacts"]

    @property
    def needs_artifacts(self) -> bool:
        """Whether artifacts are still to be fetched: they stay over restarts."""
        return not self._has_artifacts

    def refusal(self) -> Document | None:
        """The event of what the driver cannot do, or None."""
        said = host_volumes.refusal(self._task)
        return None if said is None else task_events.hook_failed(said)

    async def fetch(self) -> Document | None:
        """Fetch the artifacts; the event of a failure, or None."""
        source = ""
        try:
            for artifact in rows(self._task["Artifacts"]):
                said = interpolated_document(artifact, self._environment, self._context.node)
                source = said["GetterSource"]
                await artifacts.fetch(said, self._context.directory)
        except (artifacts.ArtifactError, OSError) as error:
            return task_events.download_failed(f'failed to download artifact "{source}": {error}')
        self._has_artifacts = True
        return None

    async def render(self, on_missing: Callable[[list[str]], None]) -> Document | None:
        """Render the templates; the event of a failure, or None. ``on_missing`` hears what they wait for."""
        try:
            await self.templates.render(on_missing)
            self.templates.variables()
        except EnvironmentFileError as error:
            return task_events.template_failed(f"Template failed to read environment variables: {error}")
        except (TemplateError, OSError) as error:
            return task_events.template_failed(f"Template failed: {error}")
        return None

    def environment(self) -> dict[str, str]:
        """What its processes are given, rendered environment files included."""
        return {**self._environment, **self.templates.variables()}

    def command(self) -> Command:
        """What to start. Raises UnknownVariableError, ValueError, FileNotFoundError, TemplateError."""
        environment = self.environment()
        config = driver_config(fields(self._task["Config"]), environment, self._context.node)
        directory = self._context.directory
        if not config.get("command"):
            raise ValueError("the task's config names no command")
        program = executable(config["command"], directory, environment.get("PATH", ""))
        where = directory / config["work_dir"] if config.get("work_dir") else directory
        arguments = (program, *map(str, words(config.get("args"))))
        return Command(arguments, where, environment, self._task["User"])

    def beside(self, words: tuple[str, ...]) -> Command:
        """Another command with all that the task's own has. Raises FileNotFoundError."""
        environment = self.environment()
        directory = self._context.directory
        program = executable(words[0], directory, environment.get("PATH", ""))
        return Command((program, *words[1:]), directory, environment, self._task["User"])

    @contextlib.contextmanager
    def logs(self) -> Generator[tuple[RotatingLog, RotatingLog]]:
        """The files that take stdout and stderr."""
        config, name = self._task["LogConfig"], self._task["Name"]
        limits = (config["MaxFiles"], config["MaxFileSizeMB"] * _MEGABYTE)
        stdout, stderr = (RotatingLog(self._context.logs, f"{name}.{kind}", *limits) for kind in ("stdout", "stderr"))
        try:
            yield stdout, stderr
        finally:
            stdout.close()
            stderr.close()


def _with_paths(template: Document, environment: Mapping[str, str], node: Document) -> Document:
    """The template with ``${…}`` replaced in its paths; its text is the template language's alone."""
    paths = {name: interpolated(template[name], environment, node) for name in ("SourcePath", "DestPath")}
    return {**template, **paths}
