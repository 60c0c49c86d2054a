"""A plan or a comparison as Markdown for a review: compact, with every place folded away, never longer than a comment may be; pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

import click

from outrider.cli.platform_lines import platform_lines
from outrider.cli.printable import one_line, printable
from outrider.cli.rollout_lines import around_lines, change_lines, raw_lines, rollout_lines, words
from outrider.operations.answers.difference import Difference
from outrider.operations.answers.plan import Change, Plan, Raw
from outrider.operations.platform_change import in_one_line

MOST = 60_000
"""Characters and bytes. GitHub takes 65,536 in a comment, and whoever posts one may put some words around it."""
FOLDED = 40
"""Changes beyond this number are folded away as well."""
CUT = "… cut here: `-o table --raw` shows all of it"
SPECIAL = re.compile(r"([\\`*_{}\[\]<>#|~!@])")


def plan_markdown(found: Plan) -> str:
    """The plan: what changes, the steps, the neighbours, what to look at; every place at the end, where there is room."""
    head = f"### {_state(found)}: {_text(found.service)} in {_text(found.environment)}"
    parts = [
        head,
        *_remarks(found),
        *_changes(found.changes),
        *_platform(found),
        *_sidecar(found),
        *_rollout(found),
        *_around(found),
    ]
    parts.append(_versions(found))
    return _fitted(parts, found.raw)


def difference_markdown(found: Difference) -> str:
    """The comparison."""
    word = "No difference" if found.is_same else "Different"
    head = f"### {word}: {_text(found.before.label)} → {_text(found.after.label)}"
    content = [f"- {_text(found.content)}"] if found.content else []
    said = _list("Envoy's bootstrap", words(found.sidecar))
    content += [f"- platform: {_text(in_one_line(found.platform))}"] if found.platform else []
    return _fitted([head, *content, *_changes(found.changes), *said], found.raw)


def _state(found: Plan) -> str:
    if found.refusals:
        return "Refused"
    if found.failures:
        return "No room"
    if not found.has_changes:
        return "No change"
    return "New service" if found.running_version is None else "Changes"


def _remarks(found: Plan) -> Iterator[str]:
    bad = [f"Envoy refuses this: {line}" for line in found.refusals] + list(found.failures)
    yield from _list("Cannot go", bad)
    stopped = [f"{one.name}: {one.reason} (lifted by {one.lifted_by})" for one in found.blockers]
    yield from _list("Before this can go", stopped)
    yield from _list("Look at this", [*([found.retry] if found.retry else []), *found.warnings])


def _changes(changes: tuple[Change, ...]) -> Iterator[str]:
    if not changes:
        return
    block = _block((line for change in changes for line in change_lines(change)), "diff")
    yield block if len(changes) <= FOLDED else _folded(f"{len(changes)} fields", block)


def _platform(found: Plan) -> Iterator[str]:
    yield from (_text(line) for line in platform_lines(found))


def _sidecar(found: Plan) -> Iterator[str]:
    if found.running_version is not None:
        yield from _list("Envoy's bootstrap", words(found.sidecar))


def _rollout(found: Plan) -> Iterator[str]:
    lines = [click.unstyle(line).strip() for line in rollout_lines(found)]
    if found.has_changes and found.rollout.steps:
        steps = [f"{number}. {_text(step.text)}" for number, step in enumerate(found.rollout.steps, 1)]
        rest = [_text(line) for line in lines[1 + len(steps) :]]
        yield "\n".join(["**Rollout**", "", *steps, "", " ".join(rest)])
    elif lines:
        yield _text(" ".join(lines))


def _around(found: Plan) -> Iterator[str]:
    if found.has_changes:
        yield from _list("Neighbours", [click.unstyle(line) for line in around_lines(found.around)])


def _versions(found: Plan) -> str:
    parts = (("service", found.service_part), ("sidecar", found.sidecar_part))
    said = ", ".join(f"{name} `{part.running or 'none'}` → `{part.planned}`" for name, part in parts)
    return f"<sub>{said}; job index {found.check_index}; Outrider {_text(found.basis.outrider or '?')}</sub>"


def _list(title: str, lines: Iterable[str]) -> Iterator[str]:
    said = [f"- {_text(line)}" for line in lines]
    if said:
        yield "\n".join([f"**{title}**", "", *said])


def _fitted(parts: list[str], raw: Raw | None) -> str:
    """All of it where it fits; else every place is cut, and then the rest at the end of a line."""
    text = "\n\n".join(parts) + "\n"
    if raw and (raw.bootstrap or raw.job):
        places = [click.unstyle(line) for line in raw_lines(raw)]
        room = MOST - _size(text) - 2_000
        text += "\n" + _folded("every place of the bootstrap and of the job", _block(_cut(places, room), "diff")) + "\n"
    return text if _size(text) <= MOST else _closed(text)


def _size(text: str) -> int:
    return len(text.encode())


def _cut(lines: list[str], room: int) -> Iterator[str]:
    """As many lines as there is room for, and that the others are missing; a single line takes a tenth of it at most."""
    for line in lines:
        short = line if _size(line) <= MOST // 10 else line.encode()[: MOST // 10].decode(errors="ignore") + " …"
        room -= _size(short) + 1
        if room < 0:
            yield CUT
            return
        yield short


def _closed(text: str) -> str:
    """The beginning that fits, ended so that nothing stays open: a block of code, a fold."""
    kept = text.encode()[: MOST - 200].decode(errors="ignore").rpartition("\n")[0]
    fences = re.findall(r"^(`{3,})", kept, re.MULTILINE)
    open_fence = f"\n{fences[-1]}" if len(fences) % 2 else ""
    open_fold = "\n\n</details>" if kept.count("<details>") > kept.count("</details>") else ""
    return f"{kept}{open_fence}{open_fold}\n\n{CUT}\n"


def _block(lines: Iterable[str], language: str) -> str:
    """A block of code whose fence is longer than any within."""
    text = "\n".join(printable(click.unstyle(line)) for line in lines)
    fence = "`" * max(3, 1 + max((len(run) for run in re.findall(r"`+", text)), default=0))
    return f"{fence}{language}\n{text}\n{fence}"


def _folded(title: str, content: str) -> str:
    return f"<details><summary>{title}</summary>\n\n{content}\n\n</details>"


def _text(text: str) -> str:
    """Words as they are, on one line: nothing in them is Markdown, HTML or somebody's name to be called."""
    return SPECIAL.sub(r"\\\1", one_line(text)).replace("\\@", "@&#8203;")
