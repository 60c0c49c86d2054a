"""The verb that compares: versions, what runs, files, environments."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import click

from outrider.cli import exits
from outrider.cli.forms import MARKDOWN
from outrider.cli.invocation import Invocation, reviewed_verb
from outrider.cli.markdown import difference_markdown
from outrider.cli.packed_spec import packed_spec
from outrider.cli.rollout_lines import change_lines, raw_lines, words
from outrider.operations.answers.difference import Difference
from outrider.operations.platform_change import in_one_line
from outrider.operations.request_bodies import MOST_INTEGER, DiffBody, SideBody

SUBJECT = re.compile(
    r"(?P<service>[a-z][a-z0-9-]{0,62})(?:@(?P<environment>[a-z][a-z0-9-]{0,62}))?(?::(?P<number>[0-9]{1,10}))?",
    re.ASCII,
)
FORMS = "SERVICE@ENVIRONMENT, SERVICE@ENVIRONMENT:VERSION, SERVICE:VERSION, SERVICE or a FILE"


@click.command(short_help="Compare two versions, environments or files (exit 0: same, 1: different, 255: error).")
@click.argument("what", nargs=-1, required=True)
@click.option("--raw", is_flag=True, help="Every place of the bootstrap and of the job too.")
@reviewed_verb
async def diff(invocation: Invocation, what: tuple[str, ...], *, raw: bool) -> int:
    """Compare two of anything that can be deployed: `outrider diff A B`.

    A and B are SERVICE@ENVIRONMENT (what runs there), SERVICE@ENVIRONMENT:VERSION, the same without @ENVIRONMENT for that of
    -e, or a FILE as it would be deployed there. Versions of one service go by their numbers: `outrider diff checkout 4 7`;
    with one number it is that version and what runs. A FILE alone is compared with what runs.

    Exits 0 when both are the same, 1 when they differ, 255 on an error. Between two environments the spec and the settings of
    the sidecar count, not the addresses in which environments differ always.
    """
    before, after = await _sides(invocation, what)
    found = await invocation.portal.difference(DiffBody(before=before, after=after))
    if invocation.output.form == MARKDOWN:
        invocation.output.write(difference_markdown(found))
    else:
        shown = found if raw else replace(found, raw=None)
        invocation.output.show(shown, _lines)
    return exits.OK if found.is_same else exits.CHANGES


@dataclass(frozen=True, slots=True)
class _Named:
    """One side as it was written; ``file`` where it is one."""

    service: str = ""
    environment: str | None = None
    number: int | None = None
    file: Path | None = None


async def _sides(invocation: Invocation, what: tuple[str, ...]) -> tuple[SideBody, SideBody]:
    named = _named(what)
    known = [one.environment for one in named if one.environment]
    default = known[0] if known and not invocation.settings.environment else None
    first, second = [await _side(invocation, one, default) for one in named[:1]], named[1:]
    if second:
        return first[0], await _side(invocation, second[0], default)
    return _beside_what_runs(first[0])


def _named(what: tuple[str, ...]) -> list[_Named]:
    """Numbers after a service are its versions: ``checkout 4 7``."""
    head, *rest = what
    numbers = [int(one) for one in rest if one.isascii() and one.isdigit() and 0 < int(one) <= MOST_INTEGER]
    if rest and len(numbers) == len(rest) <= 2:  # noqa: PLR2004  one version or two
        service = _read(head)
        return [replace(service, number=number) for number in numbers] + ([service] if len(numbers) == 1 else [])
    if len(what) > 2:  # noqa: PLR2004  A and B
        raise click.UsageError(f"Name two things to compare: {FORMS}.")
    return [_read(one) for one in what]


def _read(text: str) -> _Named:
    found = SUBJECT.fullmatch(text)
    if found and not ("." in text or Path(text).is_file()):
        number = int(found["number"]) if found["number"] else None
        if number is not None and not 0 < number <= MOST_INTEGER:
            raise click.UsageError(f"{text}: versions are counted from 1.")
        return _Named(found["service"], found["environment"], number)
    if Path(text).is_file():
        return _Named(file=Path(text))
    raise click.UsageError(f"{text!r} is neither a file nor {FORMS.removesuffix(' or a FILE')}.")


async def _side(invocation: Invocation, named: _Named, default: str | None) -> SideBody:
    environment = named.environment or default or await invocation.environment()
    if named.file is None:
        return SideBody(environment=environment, service=named.service, version=named.number)
    packed = await packed_spec(invocation, named.file, environment)
    fields = packed.fields
    return SideBody(
        environment=environment,
        service=packed.service,
        spec=fields["spec"],
        file=fields["file"],
        artifact=fields["artifact"],
    )


def _beside_what_runs(side: SideBody) -> tuple[SideBody, SideBody]:
    if side.spec is None:
        raise click.UsageError(f"Compare {side.service} with what? Name two: {FORMS}.")
    return SideBody(environment=side.environment, service=side.service), side


def _lines(found: Difference) -> Iterator[str]:
    word = "No difference" if found.is_same else "Different"
    yield click.style(f"{word}: {found.before.label} → {found.after.label}", bold=True)
    for change in found.changes:
        yield from change_lines(replace(change, note=""))
    if found.content:
        yield f"~   {found.content}"
    if found.platform:
        yield f"platform: {in_one_line(found.platform)}"
    if found.sidecar:
        yield "Envoy's bootstrap:"
        yield from (f"    {line}" for line in words(found.sidecar))
    if found.raw:
        yield from raw_lines(found.raw)
    elif found.places:
        yield f"{found.places} places of the bootstrap and of the job differ (--raw shows them)."
