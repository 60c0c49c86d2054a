"""The verb `pull`: the spec that runs, written back into the service's file."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
from outrider_ground.errors import UsageError

from outrider.cli import exits
from outrider.cli.agreeing import Agreement, diff_shown, yes_option
from outrider.cli.invocation import Invocation, portal_verb
from outrider.cli.own_file import OwnFile, own_file
from outrider.cli.printable import printable
from outrider.operations.records import Version
from outrider.spec.reading.document import document
from outrider.spec.written.edits import Edit
from outrider.spec.written.merge import pulled
from outrider.spec.written.proposal import EditedSpec, diff_lines, proposed


@dataclass(frozen=True, slots=True)
class Pull:
    """The wish that a file says what a version's text says, in the common part and for its environment."""

    version: Version

    @property
    def words(self) -> str:
        """As a person would say it."""
        return f"pull version {self.version.number}"

    def edits(self, data: Any, environment: str) -> tuple[Edit, ...]:
        """Those of the file."""
        return pulled(data, document(self.version.spec, self.version.file).data, environment)

    def idle(self, service: str) -> str:
        """What is said where there is nothing to do."""
        return f"version {self.version.number} of {service} is what the file says"


@click.command(short_help="Write the spec that runs back into its file, comments kept.")
@click.argument("service")
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path), required=False)
@yes_option
@portal_verb
async def pull(invocation: Invocation, service: str, file: Path | None, *, is_agreed: bool) -> int:
    r"""Write the spec of the version of SERVICE that runs into FILE, which keeps its comments, order and quotes.

    FILE is outrider.yaml, SERVICE.yaml or SERVICE/outrider.yaml here unless it is named; one that is not there is written
    as the version has it. The common part and the difference of this environment are brought in; those of other
    environments stay. Nothing is deployed.

    \b
    outrider pull checkout -e production

    Exits 0 when the file says what runs, 3 where it was shown only, because nobody said yes.
    """
    environment = await invocation.environment()
    running = (await invocation.portal.status(environment, service)).version
    if running is None:
        raise UsageError(
            f"no known version of {service} runs in {environment}", next_step="Look at `outrider history`."
        )
    version = await invocation.portal.version(environment, service, running)
    own = _file(service, file)
    if own is None:
        return _new(invocation, file or Path(version.file).name, version, Agreement(is_agreed))
    made = proposed(own.text, str(own.path), Pull(version), environment)
    return _into(invocation, own, made, Agreement(is_agreed), Pull(version).idle(service))


def _file(service: str, named: Path | None) -> OwnFile | None:
    """The file that is there; None where it is to be made."""
    return own_file(service, named) if named is None or named.exists() else None


def _into(invocation: Invocation, own: OwnFile, made: EditedSpec, agreement: Agreement, idle: str) -> int:
    document_ = {"file": str(own.path), "diff": list(made.diff), "notes": list(made.notes)}
    if not made.diff:
        invocation.output.show(document_, lambda _: [f"Nothing to do: {printable(idle)}."])
        return exits.OK
    invocation.output.show(document_, lambda _: diff_shown(made.diff, made.notes))
    if not agreement.on(invocation, f"Write {own.path}?"):
        return exits.SHOWN
    own.write(made.text)
    invocation.output.progress(f"{own.path} is written.")
    return exits.OK


def _new(invocation: Invocation, file: Path | str, version: Version, agreement: Agreement) -> int:
    path = Path(file)
    diff = diff_lines("", version.spec, str(path))
    invocation.output.show({"file": str(path), "diff": list(diff), "notes": []}, lambda _: diff_shown(diff))
    if not agreement.on(invocation, f"Write {path}?"):
        return exits.SHOWN
    if path.exists():
        raise UsageError(f"{path} is the file of another service", next_step="Name another FILE.")
    path.write_bytes(version.spec.encode())
    invocation.output.progress(f"{path} is written.")
    return exits.OK
