"""Parts of a plan or a comparison as lines for people: changes, the bootstrap in words, all steps, the neighbours; pure."""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import click

from outrider.operations.answers.plan import Change, Plan, Raw, Sign
from outrider.operations.answers.rollout import Around
from outrider.spec.notation import as_written

COLOURS: Mapping[Sign, str] = {"+": "green", "-": "red", "~": "yellow"}
CONTEXT = 1


def change_lines(change: Change, *, is_new: bool = False) -> Iterator[str]:
    """One line; of a text of several lines those that differ, with one around them."""
    note = f"  ({change.note})" if change.note and not is_new else ""
    if _is_text(change.before) or _is_text(change.after):
        yield click.style(f"{change.sign:<3} {change.path}:{note}", fg=COLOURS[change.sign])
        yield from _text_lines(change)
        return
    yield click.style(f"{change.sign:<3} {change.path}: {values_of(change)}{note}", fg=COLOURS[change.sign])


def values_of(change: Change) -> str:
    """What is there now, what was there, or both."""
    before, after = as_written(change.before), as_written(change.after)
    return {"+": after, "-": before}.get(change.sign, f"{before} → {after}")


def field_lines(changes: Iterable[Change]) -> Iterator[str]:
    """Each field that differs, without what it costs."""
    for change in changes:
        yield from change_lines(change, is_new=True)


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and "\n" in value


def _text_lines(change: Change) -> Iterator[str]:
    old, new = (str(one or "").splitlines() for one in (change.before, change.after))
    lines = list(difflib.unified_diff(old, new, lineterm="", n=CONTEXT))[2:]
    for line in lines or ["(what differs is sensitive)"]:
        colour = COLOURS["+"] if line.startswith("+") else COLOURS["-"] if line.startswith("-") else None
        yield click.style(f"      {line}", fg=colour)


def words_lines(found: Plan, *, is_new: bool) -> Iterator[str]:
    """What changes in Envoy's bootstrap in the words of the mesh: a line for each upstream, and for the rest."""
    if not found.places or is_new:
        return
    yield f"Envoy's bootstrap, {_counted(found.places, 'place')}{':' if found.sidecar else ' that no word of the mesh stands for (--raw)'}"
    yield from (f"    {line}" for line in words(found.sidecar))


def words(changes: Iterable[Change]) -> list[str]:
    """``payments: timeout 800ms → 300ms, retries 1 → 2``; what no field of the spec has changed bears the platform's name."""
    grouped: dict[str, list[str]] = {}
    for change in changes:
        head, field = _topic(change.path)
        note = f" ({change.note})" if change.note else ""
        grouped.setdefault(head, []).append(f"{_word(change, field)}{note}")
    return [f"{head}: {', '.join(parts)}" for head, parts in grouped.items()]


def _topic(path: str) -> tuple[str, str]:
    first, _, rest = path.partition(".")
    if first != "upstreams":
        return first, rest
    name, _, field = rest.partition(".")
    return name, field


def _word(change: Change, field: str) -> str:
    if change.after == {} or change.before == {}:
        return "is called from now on" if change.sign == "+" else "is not called any more"
    before, after = (as_written(one) if one is not None else "none" for one in (change.before, change.after))
    name = f"{field} " if field else ""
    if change.sign == "+":
        return f"{name}{after}"
    return f"no {field} ({before} until now)" if change.sign == "-" else f"{name}{before} → {after}"


def rollout_lines(found: Plan) -> Iterator[str]:
    """Every step by its number, what comes of a failure, and how few serve meanwhile."""
    rollout = found.rollout
    if not rollout.steps:
        if found.restarts_nothing:
            yield "Rollout: nothing restarts."
        return
    yield click.style("Rollout:", bold=True)
    yield from (f"  {number}. {step.text}" for number, step in enumerate(rollout.steps, 1))
    yield f"  From {rollout.before} to {rollout.after} allocations, at least {rollout.least} serve meanwhile."
    if rollout.on_failure:
        yield f"  If it fails: {rollout.on_failure}."


def around_lines(around: Around) -> Iterator[str]:
    """Who calls the service and what they will notice, and that nobody else's documents change."""
    if around.callers:
        noticed = "; ".join(around.notices) or "nothing, but that new instances come and old ones go"
        yield f"Callers ({', '.join(around.callers)}) will notice: {noticed}."
    elif around.notices:
        yield f"No service declares that it calls this one. Others will notice: {'; '.join(around.notices)}."
    if around.proof:
        yield f"Others: {around.proof}."
    yield from (click.style(f"! {one.service} {one.reason}", fg="yellow") for one in around.affected)
    yield from (f"· {one.service} was not compared: {one.reason}" for one in around.uncompared)


def raw_lines(raw: Raw) -> Iterator[str]:
    """Every place of both documents."""
    for title, changes in (("Envoy's bootstrap", raw.bootstrap), ("the job", raw.job)):
        yield click.style(f"{title}, place by place:", bold=True)
        for change in changes:
            yield from _place_lines(change)
        if not changes:
            yield "    no difference"


def _place_lines(change: Change) -> Iterator[str]:
    """A change; what is there on one side only, whole."""
    value = change.before if change.sign == "-" else change.after
    if change.sign == "~" or not isinstance(value, (dict, list)):
        yield from change_lines(change)
        return
    yield click.style(f"{change.sign:<3} {change.path}:", fg=COLOURS[change.sign])
    for line in json.dumps(value, indent=2, ensure_ascii=False).splitlines():
        yield click.style(f"      {change.sign}{line}", fg=COLOURS[change.sign])


def _counted(number: int, word: str) -> str:
    return f"{number} {word}{'' if number == 1 else 's'}"
